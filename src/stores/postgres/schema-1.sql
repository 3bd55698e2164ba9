-- Version 1 of the tables that keep sessions. The server makes them itself when its role may make tables; where it may
-- not, their owner does: psql --single-transaction --file node_modules/sessapp/dist/stores/postgres/schema-1.sql <address>
-- What is there already stays as it is.

CREATE TABLE IF NOT EXISTS sessapp_sessions (
  -- The name of the session cookie: environments in one database see their own sessions only.
  environment text COLLATE "C" NOT NULL,
  -- A hash of the session's id.
  key text COLLATE "C" NOT NULL,
  version bigint NOT NULL,
  -- JSON, kept to the letter: jsonb refuses \u0000 and half of a surrogate pair, and changes the order of keys and the
  -- way numbers are written.
  data text NOT NULL,
  created_at timestamptz NOT NULL,
  seen_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  owner text COLLATE "C",
  -- Names the secret that signs the client's cookie.
  key_id text,
  PRIMARY KEY (environment, key)
)
-- Each change of a session leaves a dead row behind.
WITH (autovacuum_vacuum_scale_factor = 0.05);

CREATE INDEX IF NOT EXISTS sessapp_sessions_by_expiry ON sessapp_sessions (environment, expires_at, key);
CREATE INDEX IF NOT EXISTS sessapp_sessions_by_owner ON sessapp_sessions (environment, owner, key) WHERE owner IS NOT NULL;

-- Records that made no sense, for a person to look at.
CREATE TABLE IF NOT EXISTS sessapp_sessions_aside (
  LIKE sessapp_sessions,
  set_aside_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS sessapp_schema (
  version integer PRIMARY KEY,
  applied_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO sessapp_schema (version) VALUES (1) ON CONFLICT DO NOTHING;
