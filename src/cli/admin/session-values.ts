import { maskCredentials } from './credentials.ts';
import type { SessionDetail } from './session-summary.ts';

/** A session's values by their keys, with credentials masked. */
export type Values = Record<string, unknown>;

/** Undefined when the record is damaged. */
export function readValues({ data }: SessionDetail): Values | undefined {
  if (data === undefined) return undefined;
  try {
    const parsed: unknown = JSON.parse(data);
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return undefined;
    // `cookie` is not a value of the application: the session layer stores the chosen lifetime there.
    const { cookie: _, ...values } = parsed as Values;
    return maskCredentials(values) as Values;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
