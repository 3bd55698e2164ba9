import { splitSecrets } from '../../settings/secrets.ts';
import { passwordsIn } from '../../stores/hide-password.ts';
import type { System } from '../../system.ts';
import type { Finding, Subject } from './check.ts';

/** A finding as it is printed. Commands come last in the remedy, after `Type: `, one per line. */
export interface RenderedFinding extends Omit<Finding, 'remedy'> {
  check: string;
  remedy: string | null;
}

const hidden = '***';
/** A shorter secret protects nothing, and also occurs inside ordinary words. */
const leastLength = 4;

/**
 * Replaces secrets and passwords in a finding. No check writes one, but an error message from elsewhere may contain one:
 * for example, the driver of a store may print its address with the password.
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
