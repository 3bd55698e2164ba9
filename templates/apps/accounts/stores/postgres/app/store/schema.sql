-- The tables of accounts. The server creates them. If its role may not, run this file as the owner of the database.

CREATE TABLE IF NOT EXISTS accounts_users (
  -- Separates the environments that share a database.
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

-- The links that were sent. The key is the hash of a link's token.
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
