/** A statement that is a separate transaction. Its first parameter is the environment whose sessions it uses. */
export interface Statement {
  name: string;
  text: string;
  /** True: running the statement twice has the same effect as once, so it may run again after the connection broke. */
  isRepeatable: boolean;
}

// An application may set an expiry at any time in the past, but timestamptz begins at 4714 BC.
const earliestMs = -2e14;
const toTime = (parameter: string): string => `to_timestamp(greatest(${parameter}::float8, ${earliestMs}) / 1000)`;
const toMs = (column: string): string => `round((extract(epoch FROM ${column}) * 1000)::numeric, 3)::float8`;

const columns = 'environment, key, version, data, created_at, seen_at, expires_at, owner, key_id';
const record = `key, version::float8 AS version, data, ${toMs('created_at')} AS "createdAtMs",
  ${toMs('seen_at')} AS "seenAtMs", ${toMs('expires_at')} AS "expiresAtMs", owner, key_id AS "keyId"`;
const values = `$3, ${toTime('$4')}, ${toTime('$5')}, ${toTime('$6')}, $7, $8`;
const one = 'environment = $1 AND key = $2';

/** Finds and changes nothing, but fails if the table is not writable. */
export const ping = repeatable('ping', `SELECT FROM sessapp_sessions WHERE environment = $1 AND key = '' FOR UPDATE`);

/** $2 is the session key. */
export const read = repeatable('read', `SELECT ${record} FROM sessapp_sessions WHERE ${one}`);

/** $2 is the session key; $3 to $8 are the data, the three times, the owner, and the id of the secret; $9 is the version. */
export const create = single(
  'create',
  `INSERT INTO sessapp_sessions (environment, key, data, created_at, seen_at, expires_at, owner, key_id, version)
  VALUES ($1, $2, ${values}, $9) ON CONFLICT DO NOTHING`,
);

/** The parameters are those of `create`, but $9 is the version of the record to replace. */
export const update = single(
  'update',
  `UPDATE sessapp_sessions SET version = version + 1,
    (data, created_at, seen_at, expires_at, owner, key_id) = ROW (${values})
  WHERE ${one} AND version = $9`,
);

/** $3 is the version; $4 is when the session was seen; $5 is when it expires. */
export const touch = repeatable(
  'touch',
  `UPDATE sessapp_sessions SET seen_at = ${toTime('$4')}, expires_at = ${toTime('$5')} WHERE ${one} AND version = $3`,
);

export const remove = repeatable('remove', `DELETE FROM sessapp_sessions WHERE ${one}`);

export const setAside = repeatable(
  'set_aside',
  `WITH gone AS (DELETE FROM sessapp_sessions WHERE ${one} RETURNING ${columns})
  INSERT INTO sessapp_sessions_aside (${columns}) SELECT ${columns} FROM gone`,
);

export const countSetAside = repeatable(
  'count_set_aside',
  'SELECT count(*)::float8 AS count FROM sessapp_sessions_aside WHERE environment = $1',
);

/** Deletes at most $3 records that have expired by $2. It skips rows that another process has locked. */
export const prune = repeatable(
  'prune',
  `DELETE FROM sessapp_sessions WHERE environment = $1 AND key = ANY (ARRAY (
    SELECT key FROM sessapp_sessions WHERE environment = $1 AND expires_at <= ${toTime('$2')}
    ORDER BY expires_at LIMIT $3 FOR UPDATE SKIP LOCKED
  ))`,
);

/** At most $2 records after the expiry $3 and the session key $4. With `isBounded`, only records that expire before $5. */
export function listByExpiry(isBounded: boolean): Statement {
  return page('expiry', `(expires_at, key) > (${toTime('$3')}, $4)`, 'expires_at, key', isBounded);
}

/** Like `listByExpiry`, for the owner $3, after the session key $4. */
export function listByOwner(isBounded: boolean): Statement {
  return page('owner', 'owner = $3 AND key > $4', 'key', isBounded);
}

/** Like `listByExpiry`, for session keys with the prefix $3, after the key $4. All characters of base64url sort before ~. */
export function listByKey(isBounded: boolean): Statement {
  return page('key', "key >= $3 AND key > $4 AND key < $3 || '~'", 'key', isBounded);
}

function page(name: string, condition: string, order: string, isBounded: boolean): Statement {
  const bound = isBounded ? ` AND expires_at < ${toTime('$5')}` : '';
  return repeatable(
    `list_by_${name}${isBounded ? '_until' : ''}`,
    `SELECT ${record} FROM sessapp_sessions WHERE environment = $1 AND ${condition}${bound} ORDER BY ${order} LIMIT $2`,
  );
}

function repeatable(name: string, text: string): Statement {
  return { name: `sessapp_${name}`, text, isRepeatable: true };
}

function single(name: string, text: string): Statement {
  return { name: `sessapp_${name}`, text, isRepeatable: false };
}
