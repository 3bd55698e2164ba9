import { join } from 'node:path';
import { hasCode, isSystemError, toUserError, type UserError } from '../../errors.ts';
import type { System } from '../../system.ts';
import { isInside } from '../paths.ts';
import { type Check, dependsOnOther, type Finding, notChecked, problem, type Remedy, type Subject } from './check.ts';
import { findingUnlessOwner } from './file-owner.ts';
import { hideSecrets, type RenderedFinding, redact } from './redact.ts';

const order: Finding['level'][] = ['problem', 'note', 'ok'];

/** Runs the checks one after another. A check that fails does not stop the others. */
export async function runChecks(checks: Check[], subject: Subject, system: System): Promise<RenderedFinding[]> {
  const rendered: RenderedFinding[] = [];
  for (const check of checks) {
    for (const finding of await examine(check, subject, system)) {
      rendered.push({ check: check.name, ...finding, remedy: await writeRemedy(finding.remedy, system) });
    }
  }
  return withoutOrphans(rendered)
    .map(redact(subject, system))
    .sort((a, b) => order.indexOf(a.level) - order.indexOf(b.level));
}

// A consequence is hidden. Without a problem that it could follow from, it is a problem itself.
function withoutOrphans(findings: RenderedFinding[]): RenderedFinding[] {
  if (findings.some(({ level }) => level === 'problem')) return findings;
  return findings.map(({ isConsequence, ...finding }) =>
    isConsequence ? { ...finding, level: 'problem', remedy: finding.remedy ?? unknownCause } : finding,
  );
}

const unknownCause = 'Start the server, or run the same command with --verbose.';

async function examine(check: Check, subject: Subject, system: System): Promise<Finding[]> {
  try {
    return await check.examine(subject, system);
  } catch (error) {
    const refused = toUserError(error);
    if (refused) return [await explainRefusal(refused, error, subject)];
    if (isSystemError(error)) return [notChecked(`${hideSecrets(error.message, subject, system)}.`)];
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const message = hideSecrets(stack, subject, system);
    return [problem(`The check failed: ${message}`, 'This is a bug in sessapp.', 'Please report it with this text.')];
  }
}

async function explainRefusal(
  { code, message, hint }: UserError,
  cause: unknown,
  { directory }: Subject,
): Promise<Finding> {
  const isClosed = ['permission-denied', 'not-the-owner'].includes(code);
  const foreign = isClosed ? await findingUnlessOwner(directory) : undefined;
  if (foreign) return notChecked(message, ...foreign.remedy);
  const isInData = hasCode(cause, 'EACCES') && isInside(join(directory, 'data'), cause.path ?? '');
  return isInData ? dependsOnOther(message) : notChecked(message, ...(hint === undefined ? [] : [hint]));
}

async function writeRemedy(remedy: Remedy, system: System): Promise<string | null> {
  if (remedy.length === 0) return null;
  const sentences = remedy.filter((part) => typeof part === 'string');
  const commands = await Promise.all(remedy.filter((part) => typeof part === 'function').map((write) => write(system)));
  return [...sentences, ...(commands.length > 0 ? [`Type: ${commands.join('\n')}`] : [])].join(' ');
}
