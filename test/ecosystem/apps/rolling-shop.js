// A shop whose store is replaced while it is open. NEW_STORE is where its sessions are to be, ADOPT where they were.
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
// A machine that runs other tests too may be slow.
Object.assign(options, { limits: { storeDeadlineMs: 20_000 }, now: () => Date.now() + jumpMs });
if (from) options.adopt = await open[from]();

const app = express();
// As if ten minutes had passed.
app.post('/wait', (_req, res) => {
  jumpMs = 10 * 60_000;
  res.send('waited');
});
app.use(session({ ...options, cookie: { maxAge: 60 * 60_000 } }));
addShop(app);

export default app;
