-- Version 1 of the session tables. The server creates them if its role may create tables. Otherwise their owner creates them:
-- psql --single-transaction --file node_modules/sessapp/dist/stores/postgres/schema-1.sql <address>
-- Existing tables do not change.

CREATE TABLE IF NOT EXISTS sessapp_sessions (
  -- The name of the session cookie. It separates the sessions of several environments in one database.
  environment text COLLATE "C" NOT NULL,
  -- The session key: a hash of the session id.
  key text COLLATE "C" NOT NULL,
  version bigint NOT NULL,
  -- JSON, stored unchanged: jsonb rejects \u0000 and lone surrogates, and changes the order of keys and the format of numbers.
  data text NOT NULL,
  created_at timestamptz NOT NULL,
  seen_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  owner text COLLATE "C",
  -- The id of the secret that signed the client's cookie.
  key_id text,
  PRIMARY KEY (environment, key)
)
-- Each change of a session leaves a dead row.
WITH (autovacuum_vacuum_scale_factor = 0.05);

CREATE INDEX IF NOT EXISTS sessapp_sessions_by_expiry ON sessapp_sessions (environment, expires_at, key);
CREATE INDEX IF NOT EXISTS sessapp_sessions_by_owner ON sessapp_sessions (environment, owner, key) WHERE owner IS NOT NULL;

-- Damaged records, kept for inspection.
CREATE TABLE IF NOT EXISTS sessapp_sessions_aside (
  LIKE sessapp_sessions,
  set_aside_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS sessapp_schema (
  version integer PRIMARY KEY,
  applied_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO sessapp_schema (version) VALUES (1) ON CONFLICT DO NOTHING;
