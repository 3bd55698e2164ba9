// The app.js of the measured environment. work.js is copied next to it.
import { pages } from './work.js';

export function routes(app) {
  for (const [path, work] of pages) app.get(path, (req, res) => res.type('text').send(work(req.session)));
}
