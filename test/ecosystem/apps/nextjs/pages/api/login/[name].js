import { promisify } from 'node:util';

export default async function login(req, res) {
  await promisify(req.session.regenerate).call(req.session);
  req.session.userId = req.query.name;
  res.send('in');
}
