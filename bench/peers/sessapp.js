// The application of the environment that is measured: its app.js. The work of the peers is copied beside it.
import { pages } from './work.js';

export function routes(app) {
  for (const [path, work] of pages) app.get(path, (req, res) => res.type('text').send(work(req.session)));
}
