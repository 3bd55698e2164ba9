/** The format of a store's address. */
export interface StoreAddress {
  /** An example without a password. */
  example: string;
  /** The valid protocols, without the colon. */
  protocols: string[];
}

/** A kind of store for the sessions of an environment. */
export interface StoreKind {
  /** The text that the user sees when choosing. */
  title: string;
  description: string;
  /** The npm package of its driver: an optional peer dependency of sessapp. */
  package: string;
  /** Only for a store with an address. */
  address?: StoreAddress;
}

export const storeKinds: Record<string, StoreKind> = {
  embedded: {
    title: 'Embedded (LMDB)',
    description: 'sessions in a file of the environment, for one machine',
    package: 'lmdb',
  },
  postgres: {
    title: 'PostgreSQL',
    description: 'sessions in a table of a PostgreSQL database, for several machines',
    package: 'pg',
    address: { example: 'postgres://user@localhost:5432/database', protocols: ['postgres', 'postgresql'] },
  },
  redis: {
    title: 'Redis',
    description: 'sessions in a Redis or Valkey server or cluster, for several machines',
    package: 'redis',
    address: { example: 'redis://localhost:6379', protocols: ['redis', 'rediss'] },
  },
};

export const storeNames = Object.keys(storeKinds);
