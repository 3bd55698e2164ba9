import { splitSecrets } from '../../settings/secrets.ts';
import { passwordsIn } from '../../stores/hide-password.ts';
import type { System } from '../../system.ts';
import type { Finding, Subject } from './check.ts';

/** A finding as the user gets it. Commands come last in the remedy, after `Type: `, one a line. */
export interface RenderedFinding extends Omit<Finding, 'remedy'> {
  check: string;
  remedy: string | null;
}

const hidden = '***';
/** Shorter ones guard nothing, and are in every other word. */
const leastLength = 4;

/**
 * No check writes a secret into a finding. What others say of an error may hold one all the same: the driver of a
 * store, for example, its address with the password in it.
 */
export function redact({ file, settings }: Subject, { env }: System): (finding: RenderedFinding) => RenderedFinding {
  const words = [file, settings, env as Record<string, string>].flatMap(({ SESSION_SECRET, STORE_URL }) => [
    ...splitSecrets(SESSION_SECRET),
    ...passwordsIn(STORE_URL ?? ''),
  ]);
  const guarded = [...new Set(words)].filter((word) => word.length >= leastLength);
  const hide = (text: string): string => guarded.reduce((rest, word) => rest.replaceAll(word, hidden), text);
  return (finding) => ({
    ...finding,
    fact: hide(finding.fact),
    why: finding.why && hide(finding.why),
    remedy: finding.remedy && hide(finding.remedy),
  });
}
