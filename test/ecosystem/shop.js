// The pages of a shop that keeps its cart in the session.
export function addShop(app) {
  app.get('/login/:user', (req, res, next) => {
    req.session.regenerate((error) => {
      if (error) return next(error);
      req.session.userId = req.params.user;
      res.send('in');
    });
  });
  app.get('/add/:item', (req, res) => {
    req.session[req.params.item] = true;
    res.send('added');
  });
  app.get('/show', (req, res) => {
    const { cookie, 'sessapp:record': _, __lastAccess, ...data } = req.session;
    res.json(data);
  });
  app.get('/logout', (req, res, next) => req.session.destroy((error) => (error ? next(error) : res.send('out'))));
}
