/** What the address of a store looks like. */
export interface StoreAddress {
  /** Without a password. */
  example: string;
  /** Without the colon. */
  protocols: string[];
}

/** A place where the sessions of an environment can live. */
export interface StoreKind {
  /** What a person sees when choosing. */
  title: string;
  description: string;
  /** The npm package of its driver: an optional peer dependency of sessapp. */
  package: string;
  /** For a store that is reached by an address. */
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
    description: 'sessions in a Redis or Valkey server, or in a cluster of them, for several machines',
    package: 'redis',
    address: { example: 'redis://localhost:6379', protocols: ['redis', 'rediss'] },
  },
};

export const storeNames = Object.keys(storeKinds);
