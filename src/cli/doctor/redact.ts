import { splitSecrets } from '../../settings/secrets.ts';
import type { System } from '../../system.ts';
import type { Finding, Subject } from './check.ts';

const hidden = '***';
/** Shorter ones guard nothing, and are in every other word. */
const leastLength = 4;

/**
 * No check writes a secret into a finding. What others say of an error may hold one all the same: the driver of a
 * store, for example, its address with the password in it.
 */
export function redact<F extends Finding>({ file, settings }: Subject, { env }: System): (finding: F) => F {
  const words = [file, settings, env as Record<string, string>].flatMap(({ SESSION_SECRET, STORE_URL }) => [
    ...splitSecrets(SESSION_SECRET),
    ...passwordsOf(STORE_URL),
  ]);
  const guarded = [...new Set(words)].filter((word) => word.length >= leastLength);
  const hide = <T extends string | null>(text: T): T =>
    (text === null ? text : guarded.reduce((rest: string, word) => rest.replaceAll(word, hidden), text)) as T;
  return (finding) => ({ ...finding, fact: hide(finding.fact), why: hide(finding.why), remedy: hide(finding.remedy) });
}

// As they are written, and as they are meant; PostgreSQL takes one among the parameters too.
function passwordsOf(address = ''): string[] {
  const patterns = [/^[^/]*\/\/[^/]*?:(.*)@/, /[?&]password=([^&#]*)/i];
  const written = patterns.map((pattern) => pattern.exec(address)?.[1] ?? '').filter((password) => password !== '');
  return [...written, ...written.map(decode)];
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return text;
    throw error;
  }
}
