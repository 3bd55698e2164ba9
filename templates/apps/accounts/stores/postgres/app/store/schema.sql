-- The tables of accounts. The server makes them; where its role may not, their owner does, with this file.

CREATE TABLE IF NOT EXISTS accounts_users (
  -- Environments in one database see their own accounts only.
  environment text NOT NULL,
  id uuid NOT NULL,
  -- In lower case.
  email text NOT NULL,
  name text NOT NULL,
  password text NOT NULL,
  password_version integer NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (environment, id),
  UNIQUE (environment, email)
);

-- Links that were sent, by the hashes of their tokens.
CREATE TABLE IF NOT EXISTS accounts_tokens (
  environment text NOT NULL,
  key text NOT NULL,
  purpose jsonb NOT NULL,
  ends_at timestamptz NOT NULL,
  PRIMARY KEY (environment, key)
);
CREATE INDEX IF NOT EXISTS accounts_tokens_by_end ON accounts_tokens (ends_at);

CREATE TABLE IF NOT EXISTS accounts_counts (
  environment text NOT NULL,
  key text NOT NULL,
  count integer NOT NULL,
  ends_at timestamptz NOT NULL,
  PRIMARY KEY (environment, key)
);
CREATE INDEX IF NOT EXISTS accounts_counts_by_end ON accounts_counts (ends_at);
