import { join } from 'node:path';
import { secretVariable, splitSecrets } from '../../../settings/secrets.ts';
import type { RunResult, System } from '../../../system.ts';
import { gitEnvironment, isInRepository } from '../../scaffold/git.ts';
import { nearPath, quoteLine } from '../../shells/shells.ts';
import { type Check, type CommandLine, type Finding, notChecked, ok, problem, type Subject } from '../check.ts';
import { addLine, replaceSecrets } from '../remedies.ts';

const whyForged = 'Anyone who has the repository can forge sessions of every user.';

/** The files that must not be in a repository, each with a path that git must ignore. */
const privates = [
  { name: '.env', path: '.env', why: whyForged },
  {
    name: 'data',
    path: 'data/sessions',
    why: 'Anyone who has the repository has all sessions, and every session change is a change for git.',
  },
];

/** How long git may take to search its history. */
const historyMs = 20_000;

/** Are the secrets and sessions kept out of git and out of its history? */
export const git: Check = {
  name: 'git',
  async examine(subject, system) {
    const { directory } = subject;
    if (!(await isInRepository(directory))) return [ok('The environment is not in a git repository.')];
    const tracked = await runGit(system, directory, 'ls-files', '-z', '--', ...privates.map(({ name }) => name));
    if (tracked.exitCode !== 0) return [notChecked(reasonOf(tracked))];
    const ignored = await runGit(
      system,
      directory,
      'check-ignore',
      '--no-index',
      '--',
      ...privates.map(({ path }) => path),
    );
    if (ignored.exitCode !== 0 && ignored.exitCode !== 1) return [notChecked(reasonOf(ignored))];
    const findings = [
      ...reportTracked(directory, tracked.stdout.split('\0')),
      ...(await reportOpen(directory, ignored.stdout.split('\n'))),
      ...(await examineHistory(subject, system)),
    ];
    return findings.length > 0 ? findings : [ok('git ignores .env and data/.')];
  },
};

async function runGit(system: System, cwd: string, ...args: string[]): Promise<RunResult> {
  const env = { ...gitEnvironment(system.env), LC_ALL: 'C' };
  return system.run('git', args, { cwd, env, cancelSignal: AbortSignal.timeout(historyMs) });
}

function reasonOf({ startError, stderr, exitCode }: RunResult): string {
  if (startError === 'ENOENT') return 'git is not on the PATH.';
  return exitCode === undefined ? 'git took too long.' : `git failed: ${stderr.trim().split('\n')[0]}.`;
}

function reportTracked(directory: string, paths: string[]): Finding[] {
  return privates.flatMap(({ name, why }) => {
    if (!paths.some((path) => path.split('/')[0] === name)) return [];
    const remove: CommandLine = (system) =>
      quoteLine(system, 'git', '-C', nearPath(system.cwd, directory), 'rm', '-r', '--cached', '--quiet', name);
    return [problem(`git tracks ${name}.`, why, 'Remove it from git, then commit the removal.', remove)];
  });
}

async function reportOpen(directory: string, ignored: string[]): Promise<Finding[]> {
  const open = privates.filter(({ path }) => !ignored.includes(path));
  const findings = open.map(async ({ name, why }) => {
    const remedy = await addLine(join(directory, '.gitignore'), name);
    return problem(`git does not ignore ${name}.`, `git add . would include it. ${why}`, ...remedy);
  });
  return Promise.all(findings);
}

// Reads the changes of .env and searches them here: a secret as an argument of git would be visible in the process list.
async function examineHistory(subject: Subject, system: System): Promise<Finding[]> {
  const log = await runGit(system, subject.directory, 'log', '--all', '--format=', '--patch', '--text', '--', '.env');
  // The repository has no commit yet.
  if (log.exitCode === 128) return [];
  if (log.exitCode !== 0) return [notChecked(reasonOf(log))];
  const known = splitSecrets(subject.settings[secretVariable]).filter((secret) => log.stdout.includes(secret));
  if (known.length === 0) return [];
  const subjectOf = known.length === 1 ? 'A secret in use is' : `${known.length} secrets in use are`;
  const fact = `${subjectOf} in the git history.`;
  const remedy = replaceSecrets(subject, system, known);
  return [problem(fact, whyForged, 'Replace it; then everybody has to log in again.', ...remedy)];
}
