import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checks } from '../../../src/cli/doctor/list.ts';
import { runChecks } from '../../../src/cli/doctor/run.ts';
import { readSubject } from '../../../src/cli/doctor/subject.ts';
import { main } from '../../../src/cli/main.ts';
import type { System } from '../../../src/system.ts';
import { fakeSystem } from '../../support/in-process.ts';
import { finish, repository, type Sandbox } from '../../support/sandbox.ts';

export interface Finding {
  check: string;
  level: 'ok' | 'note' | 'problem';
  fact: string;
  why: string | null;
  remedy: string | null;
}

export interface Diagnosis {
  exitCode: number;
  findings: Finding[];
  /** The findings of one check that are not ok. */
  of(check: string): Finding[];
  problems: Finding[];
}

/** The variables of a shell that finds `sessapp` on its PATH. */
export const env: NodeJS.ProcessEnv = {
  PATH: `${join(repository, 'node_modules', '.bin')}:${process.env.PATH}`,
  HOME: process.env.HOME,
  SHELL: '/bin/sh',
  // Any free port, whatever else runs on this machine.
  PORT: '0',
};

/** Runs the command in this process. */
export async function run(sandbox: Sandbox, args: string[], changes: Partial<System> = {}) {
  const { printed, system } = fakeSystem(() => sandbox.directory, env);
  return { exitCode: await main(args, { ...system, cwd: sandbox.directory, ...changes }), ...printed };
}

/** Runs one check only. */
export async function examine(
  sandbox: Sandbox,
  check: string,
  changes: Partial<System> = {},
  url?: string,
): Promise<Finding[]> {
  const system = { ...fakeSystem(() => sandbox.directory, env).system, cwd: sandbox.directory, ...changes };
  const subject = await readSubject(system, [sandbox.path('myenv')], url === undefined ? undefined : new URL(url));
  const made = checks.filter(({ name }) => name === check);
  if (made.length !== 1) throw new Error(`there is no check ${check}`);
  return runChecks(made, subject, system);
}

export async function diagnose(
  sandbox: Sandbox,
  args: string[] = ['myenv'],
  changes: Partial<System> = {},
): Promise<Diagnosis> {
  const { exitCode, stdout, stderr } = await run(sandbox, ['doctor', ...args, '--json'], changes);
  const { findings, error } = JSON.parse(stdout) as { findings?: Finding[]; error?: object };
  if (!findings) throw new Error(JSON.stringify(error) + stderr);
  return {
    exitCode,
    findings,
    of: (check) => findings.filter((finding) => finding.check === check && finding.level !== 'ok'),
    problems: findings.filter(({ level }) => level === 'problem'),
  };
}

/** The commands in a remedy. Empty when the remedy has sentences only. */
export function commandsIn({ remedy }: Finding): string[] {
  const [, commands] = (remedy ?? '').split('Type: ');
  return commands?.split('\n') ?? [];
}

/** Runs the commands of a finding in the user's working directory. */
export async function follow(sandbox: Sandbox, finding: Finding): Promise<void> {
  const commands = commandsIn(finding);
  if (commands.length === 0) throw new Error(`nothing to type in: ${finding.remedy}`);
  for (const command of commands) {
    const { exitCode, stderr } = await finish(sandbox.spawn('sh', ['-c', command], { env }));
    if (exitCode !== 0) throw new Error(`${command}: ${exitCode} ${stderr}`);
  }
}

export async function editJson(path: string, change: (content: Record<string, never>) => void): Promise<void> {
  const content = JSON.parse(await readFile(path, 'utf8'));
  change(content);
  await replace(path, JSON.stringify(content, null, 2));
}

/** Replaces a file instead of writing to it: files in node_modules are links to files that other tests use. */
export async function replace(path: string, content: string): Promise<void> {
  await rm(path, { force: true });
  await writeFile(path, content);
}
