import { DatabaseError } from 'pg';

/** A failure of PostgreSQL with a message for people. The message contains no password and no session data. */
export class PostgresFailure extends Error {
  /** The error code of PostgreSQL or Node.js, if there is one. */
  readonly code: string | undefined;

  constructor(message: string, code?: string) {
    super(message);
    this.name = 'PostgresFailure';
    this.code = code;
  }
}

/** Describes a failure briefly, for a log or a command. */
export function explain(error: unknown, serverName: string): PostgresFailure {
  if (error instanceof PostgresFailure) return error;
  const { message, code = '' } = error as NodeJS.ErrnoException;
  const reason = reasons[code] ?? reasons[message] ?? message;
  return new PostgresFailure(
    `PostgreSQL at ${serverName}: ${reason}${code === '' ? '' : ` (${code})`}`,
    code || undefined,
  );
}

/** True when the connection was lost after a statement was sent. It is unknown whether the statement ran. */
export function isConnectionLost(error: unknown): boolean {
  if (error instanceof PostgresFailure) return false;
  return !(error instanceof DatabaseError) || endsConnection.test(error.code ?? '');
}

/** True when the server did not respond: it hangs, or the network is down. */
export function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.message === queryTimeout;
}

/** True when the statement was rolled back because of a conflict with concurrent statements. */
export function isConflict(error: unknown): boolean {
  return hasCode(error, '40001', '40P01');
}

/** True when the tables no longer exist, or the server has become a read-only standby. */
export function isUnprepared(error: unknown): boolean {
  return hasCode(error, '42P01', readOnly);
}

/** True when the role lacks a privilege, or its search path has no schema. */
export function isDenied(error: unknown): boolean {
  return hasCode(error, '42501', '3F000');
}

function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof DatabaseError && codes.includes(error.code ?? '');
}

/**
 * The SQLSTATE codes that end a connection: class 08 (connection exception), class 57P (operator intervention), and transaction
 * timeouts (https://www.postgresql.org/docs/current/errcodes-appendix.html). The severity, `FATAL`, is translated: do not use it.
 */
const endsConnection = /^(08...|57P..|25P0[34])$/;

const queryTimeout = 'Query read timeout';
const readOnly = '25006';

const noReply = 'it does not respond';
const broken = 'the connection broke';
const untrusted = 'its certificate is not trusted; add sslrootcert=<file of the CA> to its address';
const noPassword = 'it asks for a password, but its address has none';

/** Reasons by error code, or by message for errors without a code. */
const reasons: Record<string, string> = {
  ECONNREFUSED: 'nothing listens there',
  ENOENT: 'the socket does not exist',
  ENOTFOUND: 'the host name does not exist',
  EAI_AGAIN: 'the host name could not be resolved',
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
  'The server does not support SSL connections': 'it does not support TLS, but sslmode in its address requires it',
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  [readOnly]: 'it is read-only, probably a standby',
  '57014': 'the statement took too long',
  '57P01': 'it was stopped',
  '57P03': 'it is starting up or shutting down',
};
