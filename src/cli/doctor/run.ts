import { isSystemError, toUserError, type UserError } from '../../errors.ts';
import type { System } from '../../system.ts';
import { type Check, type Finding, notChecked, problem, type Remedy, type Subject } from './check.ts';
import { findingUnlessOwner } from './file-owner.ts';
import { type RenderedFinding, redact } from './redact.ts';

const order: Finding['level'][] = ['problem', 'note', 'ok'];

/** Runs the checks one after another. A check that fails does not stop the others. */
export async function runChecks(checks: Check[], subject: Subject, system: System): Promise<RenderedFinding[]> {
  const rendered: RenderedFinding[] = [];
  for (const check of checks) {
    for (const finding of await examine(check, subject, system)) {
      rendered.push({ check: check.name, ...finding, remedy: await writeRemedy(finding.remedy, system) });
    }
  }
  return rendered.map(redact(subject, system)).sort((a, b) => order.indexOf(a.level) - order.indexOf(b.level));
}

async function examine(check: Check, subject: Subject, system: System): Promise<Finding[]> {
  try {
    return await check.examine(subject, system);
  } catch (error) {
    const refused = toUserError(error);
    if (refused) return [notChecked(refused.message, ...(await remedyOf(refused, subject)))];
    if (isSystemError(error)) return [notChecked(`${error.message}.`)];
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return [problem(`The check failed: ${message}`, 'This is a bug in sessapp.', 'Please report it with this text.')];
  }
}

async function remedyOf({ code, hint }: UserError, { directory }: Subject): Promise<Remedy> {
  const refused = ['permission-denied', 'not-the-owner'].includes(code)
    ? await findingUnlessOwner(directory)
    : undefined;
  return refused?.remedy ?? (hint === undefined ? [] : [hint]);
}

async function writeRemedy(remedy: Remedy, system: System): Promise<string | null> {
  if (remedy.length === 0) return null;
  const sentences = remedy.filter((part) => typeof part === 'string');
  const commands = await Promise.all(remedy.filter((part) => typeof part === 'function').map((write) => write(system)));
  return [...sentences, ...(commands.length > 0 ? [`Type: ${commands.join('\n')}`] : [])].join(' ');
}
