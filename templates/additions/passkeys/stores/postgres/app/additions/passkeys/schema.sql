-- The table of passkeys. The server creates it. If its role may not, run this file as the owner of the database.

CREATE TABLE IF NOT EXISTS accounts_passkeys (
  -- Separates the environments that share a database.
  environment text NOT NULL,
  user_id uuid NOT NULL,
  -- The hash of the credential's id.
  key text NOT NULL,
  passkey jsonb NOT NULL,
  counter bigint NOT NULL,
  created_at timestamptz NOT NULL,
  used_at timestamptz NOT NULL,
  PRIMARY KEY (environment, user_id, key)
);
