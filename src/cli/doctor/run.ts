import { toUserError, type UserError } from '../../errors.ts';
import type { System } from '../../system.ts';
import { type Check, type Finding, notChecked, problem, type Subject } from './check.ts';
import { refuseToWrite } from './owner.ts';
import { redact } from './redact.ts';

export type Told = { check: string } & Finding;

const order: Finding['level'][] = ['problem', 'note', 'ok'];

/** Makes every check, one after the other. What one of them cannot do keeps no other from its work. */
export async function runChecks(checks: Check[], subject: Subject, system: System): Promise<Told[]> {
  const findings: Told[] = [];
  for (const check of checks) {
    for (const finding of await examine(check, subject, system)) findings.push({ check: check.name, ...finding });
  }
  const hide = redact<Told>(subject, system);
  return findings.map(hide).sort((a, b) => order.indexOf(a.level) - order.indexOf(b.level));
}

async function remedyOf({ code, hint }: UserError, { directory }: Subject, system: System) {
  const refused = code === 'permission-denied' ? await refuseToWrite(system, directory) : undefined;
  return refused?.remedy ?? hint ?? null;
}

/** What the operating system said of a file, a process or an address. */
function isOfSystem(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).syscall === 'string';
}

async function examine(check: Check, subject: Subject, system: System): Promise<Finding[]> {
  try {
    return await check.examine(subject, system);
  } catch (error) {
    const refused = toUserError(error);
    if (refused) return [notChecked(refused.message, await remedyOf(refused, subject, system))];
    if (isOfSystem(error)) return [notChecked(`${error.message}.`)];
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return [problem(`The check failed: ${message}`, 'This is a bug in sessapp.', 'Please report it with this text.')];
  }
}
