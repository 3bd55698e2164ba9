import { minimumBytes, splitSecrets } from '../../settings/secrets.ts';
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
 * Replaces secrets and passwords in a text from elsewhere, such as the message of a driver, which may contain an address with
 * its password. Do not use it on our own text: a weak secret may be one of our words, such as `secret`.
 */
export function hideSecrets(text: string, subject: Subject, system: System): string {
  return hide(text, listSecrets(subject, system), leastLength);
}

/** Replaces secrets in a finding. No check writes one. Only a secret that is too short for a server can be one of our words. */
export function redact(subject: Subject, system: System): (finding: RenderedFinding) => RenderedFinding {
  const secrets = listSecrets(subject, system);
  const hideIn = (text: string): string => hide(text, secrets, minimumBytes);
  return (finding) => ({
    ...finding,
    fact: hideIn(finding.fact),
    why: finding.why && hideIn(finding.why),
    remedy: finding.remedy && hideIn(finding.remedy),
  });
}

function listSecrets({ file, settings }: Subject, { env }: System): string[] {
  return [file, settings, env as Record<string, string>].flatMap(({ SESSION_SECRET, STORE_URL }) => [
    ...splitSecrets(SESSION_SECRET),
    ...passwordsIn(STORE_URL ?? ''),
  ]);
}

function hide(text: string, secrets: string[], shortest: number): string {
  const hiddenOnes = secrets.filter((secret) => Buffer.byteLength(secret) >= shortest);
  return hiddenOnes.reduce((rest, secret) => rest.replaceAll(secret, hidden), text);
}
