import type { Database } from 'sessapp/stores/embedded';
import type { User, Users } from './types.ts';

export function users(database: Database<'users' | 'emails'>): Users {
  const byId = database.table<User>('users');
  const idByEmail = database.table<string>('emails');
  return {
    async find(email) {
      const id = idByEmail.get(email);
      return id === undefined ? undefined : byId.get(id);
    },

    async get(id) {
      return byId.get(id);
    },

    create(user) {
      return database.write(() => {
        if (idByEmail.get(user.email) !== undefined) return false;
        idByEmail.put(user.email, user.id);
        byId.put(user.id, user);
        return true;
      });
    },

    setPassword(user, password, passwordVersion) {
      return database.write(() => {
        const stored = byId.get(user.id);
        if (stored?.password !== user.password) return false;
        byId.put(user.id, { ...stored, password, passwordVersion });
        return true;
      });
    },
  };
}
