// A shop whose store is replaced while it runs. NEW_STORE is the new store, and ADOPT the old one.
import express from 'express';
import session from 'sessapp/session';
import { openNewStore, openOldStore } from '../old-stores.js';
import { addShop } from '../shop.js';

const { STORE, OLD_PLACE, NEW_PLACE, ADOPT, SESSION_SECRET } = process.env;
const open = {
  old: async () => (await openOldStore(session, STORE, OLD_PLACE)).store,
  new: () => openNewStore(STORE, NEW_PLACE),
};
const [to, from] = ADOPT === undefined ? ['old'] : ADOPT.split('<');
const store = await open[to]();
let jumpMs = 0;
const options = { secret: SESSION_SECRET, name: 'shop', resave: false, saveUninitialized: false, store };
// The machine may be slow because it also runs other tests.
Object.assign(options, { limits: { storeDeadlineMs: 20_000 }, now: () => Date.now() + jumpMs });
if (from) options.adopt = await open[from]();

const app = express();
// Simulates that ten minutes have passed.
app.post('/wait', (_req, res) => {
  jumpMs = 10 * 60_000;
  res.send('waited');
});
app.use(session({ ...options, cookie: { maxAge: 60 * 60_000 } }));
addShop(app);

export default app;
