// Adds sessions to an environment's store, with its own driver. Writes the cookies of some of them, evenly distributed:
// node fill.js <environment> <how many> live|expired <file of cookies> <how many cookies>
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readSettings } from '../setup/environment.js';

const [directory, total, state, file, wanted] = process.argv.slice(2);
const fromEnvironment = (...names) => import(join(directory, 'node_modules', 'sessapp', 'dist', ...names));
const { openStore } = await fromEnvironment('migration', 'open-stores.js');
const { createId } = await fromEnvironment('session', 'cookie', 'ids.js');
const { createKeyring, signId } = await fromEnvironment('session', 'cookie', 'signature.js');
const { sessionKeyOf } = await fromEnvironment('stores', 'session-key.js');

const hourMs = 3_600_000;
const settings = await readSettings(directory);
const { store, cookie } = JSON.parse(await readFile(join(directory, 'sessapp.json'), 'utf8'));
/** How many sessions to create concurrently. The embedded driver writes them in one transaction; the others have a limit. */
const batch = store === 'embedded' ? 20_000 : 500;
const secrets = [settings.SESSION_SECRET];
const [key] = createKeyring(() => secrets)();
const driver = await openStore(
  { store, url: settings.STORE_URL },
  { dataDirectory: join(directory, 'data'), name: cookie },
);
const every = Math.max(1, Math.floor(Number(total) / Number(wanted)));
const cookies = [];
for (let done = 0; done < Number(total); done += batch) {
  const size = Math.min(batch, Number(total) - done);
  await Promise.all(Array.from({ length: size }, (_, i) => createSession(done + i)));
}
await driver.close();
await writeFile(file, cookies.join('\n'));

function createSession(index) {
  const id = createId();
  if (index % every === 0 && cookies.length < Number(wanted)) cookies.push(encodeURIComponent(signId(id, key)));
  return driver.create(sessionKeyOf(id), createRecord(index));
}

// The same records as those of the server. Their times differ, so that each has its own entry in the index.
function createRecord(index) {
  const seenAtMs = Date.now() - (state === 'expired' ? 48 * hourMs + index : index % hourMs);
  return {
    data: JSON.stringify({ username: 'guest', count: 1 }),
    createdAtMs: seenAtMs,
    seenAtMs,
    expiresAtMs: seenAtMs + 24 * hourMs,
    owner: 'guest',
    keyId: key.id,
  };
}
