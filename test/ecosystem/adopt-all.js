// Moves the sessions that are left in the shop's old store, and prints the counts.
import session from 'sessapp/session';
import { openNewStore, openOldStore } from './old-stores.js';

const { STORE, OLD_PLACE, NEW_PLACE } = process.env;
const { store: adopt, ids, close } = await openOldStore(session, STORE, OLD_PLACE);
const store = await openNewStore(STORE, NEW_PLACE);
console.log(JSON.stringify(await session.adoptSessions({ store, adopt }, await ids?.())));
await Promise.all([store.close(), close()]);
