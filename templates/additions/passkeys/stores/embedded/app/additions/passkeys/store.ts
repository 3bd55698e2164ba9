import { join } from 'node:path';
import { openDatabase } from 'sessapp/stores/embedded';
import { dataDirectory } from '../../settings.ts';
import { tokenKey } from '../../tokens.ts';
import type { Passkey, Passkeys } from './types.ts';

/** Opens the database in `data/passkeys`, which all server processes of this machine share. */
export async function openPasskeys(): Promise<Passkeys> {
  const directory = join(dataDirectory, 'passkeys');
  const database = await openDatabase({ directory, tables: ['passkeys'] as const });
  // One value for each user: an object of passkeys, by the hashes of their ids.
  const byUser = database.table<Record<string, Passkey>>('passkeys');
  const read = (userId: string) => byUser.get(userId) ?? {};
  return {
    async listOf(userId) {
      return Object.values(read(userId)).sort((a, b) => a.createdAtMs - b.createdAtMs);
    },

    async get(userId, id) {
      return read(userId)[tokenKey(id)];
    },

    create(passkey) {
      return database.write(() => {
        const key = tokenKey(passkey.id);
        const stored = read(passkey.userId);
        if (stored[key]) return false;
        byUser.put(passkey.userId, { ...stored, [key]: passkey });
        return true;
      });
    },

    use(passkey, counter, usedAtMs) {
      return database.write(() => {
        const key = tokenKey(passkey.id);
        const stored = read(passkey.userId);
        if (stored[key]?.counter !== passkey.counter) return false;
        byUser.put(passkey.userId, { ...stored, [key]: { ...passkey, counter, usedAtMs } });
        return true;
      });
    },

    remove(userId, id) {
      return database.write(() => {
        const { [tokenKey(id)]: _, ...others } = read(userId);
        byUser.put(userId, others);
      });
    },

    close: () => database.close(),
  };
}
