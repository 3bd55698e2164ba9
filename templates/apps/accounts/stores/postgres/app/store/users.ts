import type { Postgres } from 'sessapp/stores/postgres';
import type { User, Users } from './types.ts';

interface Row extends Omit<User, 'createdAtMs'> {
  createdAt: Date;
}

const columns = 'id, email, name, password, password_version AS "passwordVersion", created_at AS "createdAt"';

export function users(postgres: Postgres, environment: string): Users {
  const select = async (column: 'id' | 'email', value: string): Promise<User | undefined> => {
    const text = `SELECT ${columns} FROM accounts_users WHERE environment = $1 AND ${column} = $2`;
    const [row] = await postgres.query<Row>(text, [environment, value]);
    return row && toUser(row);
  };
  return {
    find: (email) => select('email', email),
    get: (id) => select('id', id),

    async create({ id, email, name, password, passwordVersion, createdAtMs }) {
      const text = `INSERT INTO accounts_users (environment, id, email, name, password, password_version, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING id`;
      const values = [environment, id, email, name, password, passwordVersion, new Date(createdAtMs)];
      return (await postgres.query(text, values)).length === 1;
    },

    async setPassword(user, password, passwordVersion) {
      const text = `UPDATE accounts_users SET password = $4, password_version = $5
        WHERE environment = $1 AND id = $2 AND password = $3 RETURNING id`;
      const values = [environment, user.id, user.password, password, passwordVersion];
      return (await postgres.query(text, values)).length === 1;
    },
  };
}

function toUser({ createdAt, ...user }: Row): User {
  return { ...user, createdAtMs: createdAt.getTime() };
}
