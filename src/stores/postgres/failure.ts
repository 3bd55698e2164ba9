import { DatabaseError } from 'pg';

/** Why PostgreSQL did not do what it was asked. The message is for a person; it has no password and no session's data. */
export class PostgresFailure extends Error {
  /** PostgreSQL's or Node's own, where there is one. */
  readonly code: string | undefined;

  constructor(message: string, code?: string) {
    super(message);
    this.name = 'PostgresFailure';
    this.code = code;
  }
}

/** What failed, in a few words for a log or a command. `place` says where the server is. */
export function explain(error: unknown, serverName: string): PostgresFailure {
  if (error instanceof PostgresFailure) return error;
  const { message, code = '' } = error as NodeJS.ErrnoException;
  const reason = reasons[code] ?? reasons[message] ?? message;
  return new PostgresFailure(
    `PostgreSQL at ${serverName}: ${reason}${code === '' ? '' : ` (${code})`}`,
    code || undefined,
  );
}

/** True when the connection was lost after a statement was sent: whether it was done, nobody knows. */
export function isConnectionLost(error: unknown): boolean {
  if (error instanceof PostgresFailure) return false;
  return !(error instanceof DatabaseError) || endsConnection.test(error.code ?? '');
}

/** True when the server gave no answer: it hangs, or the way to it is cut. */
export function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.message === queryTimeout;
}

/** True when the statement was undone because of others at the same time. */
export function isConflict(error: unknown): boolean {
  return hasCode(error, '40001', '40P01');
}

/** True when the tables are not what they were: gone, or the server has become a standby. */
export function isUnprepared(error: unknown): boolean {
  return hasCode(error, '42P01', readOnly);
}

/** True when the role lacks a right, or sees no schema. */
export function isDenied(error: unknown): boolean {
  return hasCode(error, '42501', '3F000');
}

function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof DatabaseError && codes.includes(error.code ?? '');
}

/**
 * The SQLSTATE of what ends a connection: class 08, a connection exception; class 57P, an intervention; a timeout of a
 * transaction. The severity, `FATAL`, is in the language of the server (https://www.postgresql.org/docs/current/errcodes-appendix.html).
 */
const endsConnection = /^(08...|57P..|25P0[34])$/;

const queryTimeout = 'Query read timeout';
const readOnly = '25006';

const noReply = 'it does not answer';
const broken = 'the connection broke';
const untrusted = 'its certificate is not trusted; STORE_URL can name the CA that signed it: sslrootcert=<file>';
const noPassword = 'it asks for a password, and STORE_URL has none';

/** By code, or by the text of an error that has none. */
const reasons: Record<string, string> = {
  ECONNREFUSED: 'nothing listens there',
  ENOENT: 'there is no such socket',
  ENOTFOUND: 'there is no host of this name',
  EAI_AGAIN: 'the name of the host could not be looked up',
  ETIMEDOUT: noReply,
  'timeout expired': noReply,
  'Connection terminated due to connection timeout': noReply,
  [queryTimeout]: noReply,
  'timeout exceeded when trying to connect': 'every connection is busy',
  ECONNRESET: broken,
  EPIPE: broken,
  'Connection terminated': broken,
  'Connection terminated unexpectedly': broken,
  'Cannot use a pool after calling end on the pool': 'its driver is closed',
  'SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string': noPassword,
  'The server does not support SSL connections': 'it has no TLS, which STORE_URL asks for by sslmode',
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  [readOnly]: 'it is read-only, as a standby is',
  '57014': 'the statement took too long',
  '57P01': 'it was stopped',
  '57P03': 'it is starting up, or shutting down',
};
