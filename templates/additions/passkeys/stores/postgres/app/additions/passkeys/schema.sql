-- The table of passkeys. The server makes it; where its role may not, its owner does, with this file.

CREATE TABLE IF NOT EXISTS accounts_passkeys (
  -- Environments in one database see their own passkeys only.
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
