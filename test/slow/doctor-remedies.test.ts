import { execFileSync } from 'node:child_process';
import {
  appendFile,
  chmod,
  chown,
  cp,
  mkdir,
  readdir,
  rename,
  rm,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { secretIdOf } from '../../src/settings/secrets.ts';
import { diagnose, env, examine, follow } from '../cli/doctor/support.ts';
import { Sandbox } from '../support/sandbox.ts';
import { copyEnvironment } from '../support/server.ts';

interface Case {
  what: string;
  check: string;
  fact: RegExp;
  damage: (environment: string, sandbox: Sandbox) => Promise<unknown>;
  /** The finding is a note, which does not make the command fail. */
  isNote?: boolean;
  /** Only root can do such damage. */
  needsRoot?: boolean;
}

const isRoot = process.getuid?.() === 0;
const stranger = 65_534;
const strong = 'kJ8-qz3VwT_5rNfB2xYhD7mLpC4sGtE9aUoR6iWvX1Q';
const yearMs = 366 * 24 * 60 * 60 * 1000;
const deadStaging = '.sessapp-staging-999999999-1-00000000';

const setVariables = (environment: string, ...lines: string[]): Promise<void> =>
  writeFile(join(environment, '.env'), lines.map((line) => `${line}\n`).join(''));

const setSecrets =
  (...secrets: string[]) =>
  (environment: string) =>
    setVariables(environment, `SESSION_SECRET=${secrets.join()}`);

/** Leaves the staging directory of a process that ended long ago. */
async function leaveStaging(directory: string): Promise<void> {
  const path = join(directory, deadStaging);
  await mkdir(path);
  const longAgo = new Date('2020-01-01');
  await utimes(path, longAgo, longAgo);
}

function git(environment: string, ...args: string[]): void {
  const identity = ['-c', 'user.name=a', '-c', 'user.email=a@example.org'];
  execFileSync('git', [...identity, ...args], { cwd: environment, env: { PATH: env.PATH }, stdio: 'pipe' });
}

async function commitEverything(environment: string): Promise<void> {
  await rename(join(environment, '.gitignore'), join(environment, 'ignored'));
  git(environment, 'init', '--quiet');
  git(environment, 'add', '.env', 'app.js');
  git(environment, 'commit', '--quiet', '--message', 'all');
  await rename(join(environment, 'ignored'), join(environment, '.gitignore'));
}

const cases: Case[] = [
  {
    what: 'sessapp.json is damaged',
    check: 'sessapp.json',
    fact: /myenv\/sessapp\.json is not what sessapp wrote/,
    damage: (environment) => writeFile(join(environment, 'sessapp.json'), '{'),
  },
  {
    what: 'sessapp.json was deleted',
    check: 'sessapp.json',
    fact: /its sessapp\.json is missing/,
    damage: (environment) => rm(join(environment, 'sessapp.json')),
  },
  {
    what: 'an init in the same parent directory was interrupted',
    check: 'leftovers',
    isNote: true,
    fact: /An interrupted init left .*\/\.sessapp-staging-/,
    damage: (_, sandbox) => leaveStaging(sandbox.directory),
  },
  {
    what: 'a rotation was interrupted',
    check: 'leftovers',
    isNote: true,
    fact: /An interrupted command left .*\/\.sessapp-env\./,
    damage: (environment) => writeFile(join(environment, '.sessapp-env'), `SESSION_SECRET=${strong}\n`),
  },
  {
    what: 'an init in the environment was interrupted',
    check: 'leftovers',
    fact: /was interrupted/,
    damage: (environment) => leaveStaging(environment),
  },
  {
    what: 'a command was killed while it held the lock',
    check: 'leftovers',
    fact: /was interrupted/,
    async damage(environment) {
      const path = join(environment, '.sessapp-lock');
      await writeFile(path, JSON.stringify({ owner: { pid: 999_999_999, started: '1', machine: '00000000' } }));
      const longAgo = new Date('2020-01-01');
      await utimes(path, longAgo, longAgo);
    },
  },
  {
    what: 'the file that starts the server was deleted',
    check: 'generated-files',
    fact: /Missing: server\.js/,
    damage: (environment) => rm(join(environment, 'server.js')),
  },
  {
    what: 'the carried package was deleted',
    check: 'carried',
    fact: /\.sessapp\/sessapp-.*\.tgz is missing/,
    async damage(environment) {
      for (const name of await readdir(join(environment, '.sessapp'))) await rm(join(environment, '.sessapp', name));
    },
  },
  {
    what: 'the carried package is truncated',
    check: 'carried',
    fact: /does not match its hash in package-lock\.json/,
    async damage(environment) {
      for (const name of await readdir(join(environment, '.sessapp')))
        await truncate(join(environment, '.sessapp', name), 1000);
    },
  },
  {
    what: '.env can be read by everybody',
    check: '.env',
    fact: /Other users can read or change \.env \(mode 0644\)/,
    damage: (environment) => chmod(join(environment, '.env'), 0o644),
  },
  {
    what: '.env cannot be read by its owner',
    check: '.env',
    fact: /The owner of \.env cannot read it \(mode 0000\)/,
    damage: (environment) => chmod(join(environment, '.env'), 0),
  },
  {
    what: '.env belongs to another user',
    check: '.env',
    fact: /\.env belongs to user 65534/,
    needsRoot: true,
    damage: (environment) => chown(join(environment, '.env'), stranger, stranger),
  },
  {
    what: '.env was deleted',
    check: '.env',
    fact: /There is no \.env/,
    damage: (environment) => rm(join(environment, '.env')),
  },
  {
    what: 'the secret is short',
    check: 'secrets',
    fact: /The newest secret has 8 bytes; it needs 32 or more/,
    damage: setSecrets('hunter42'),
  },
  {
    what: 'the secret is a placeholder',
    check: 'secrets',
    fact: /The newest secret looks like a placeholder/,
    damage: setSecrets('please-change-me-before-you-deploy-this'),
  },
  {
    what: 'an older secret is short',
    check: 'secrets',
    fact: /Secret number 2 has 8 bytes/,
    damage: setSecrets(strong, 'hunter42'),
  },
  {
    what: '.env has not been changed for years',
    check: 'secrets',
    isNote: true,
    fact: /The newest secret is \d{3} days old/,
    async damage(environment) {
      await setSecrets(strong)(environment);
      await utimes(join(environment, '.env'), new Date(), new Date(Date.now() - 2 * yearMs));
    },
  },
  {
    what: '.env records that the secret is old',
    check: 'secrets',
    isNote: true,
    fact: /The newest secret is \d{3} days old/,
    async damage(environment) {
      const since = new Date(Date.now() - 2 * yearMs).toISOString();
      await setVariables(environment, `# secret ${secretIdOf(strong)} since ${since}`, `SESSION_SECRET=${strong}`);
    },
  },
  {
    what: 'git tracks .env',
    check: 'git',
    fact: /git tracks \.env/,
    async damage(environment) {
      git(environment, 'init', '--quiet');
      git(environment, 'add', '--force', '.env');
    },
  },
  {
    what: 'git tracks data/',
    check: 'git',
    fact: /git tracks data\./,
    async damage(environment) {
      await mkdir(join(environment, 'data'), { mode: 0o700 });
      await writeFile(join(environment, 'data', 'server.log'), '', { mode: 0o600 });
      git(environment, 'init', '--quiet');
      git(environment, 'add', '--force', 'data');
    },
  },
  {
    what: 'git does not ignore .env',
    check: 'git',
    fact: /git does not ignore \.env/,
    async damage(environment) {
      git(environment, 'init', '--quiet');
      await writeFile(join(environment, '.gitignore'), 'data/\n');
    },
  },
  {
    what: 'git does not ignore data/',
    check: 'git',
    fact: /git does not ignore data/,
    async damage(environment) {
      git(environment, 'init', '--quiet');
      await writeFile(join(environment, '.gitignore'), '.env\n');
    },
  },
  {
    what: 'the secret is in the git history',
    check: 'git',
    fact: /A secret in use is in the git history/,
    async damage(environment) {
      await commitEverything(environment);
      git(environment, 'rm', '--cached', '--quiet', '.env');
      git(environment, 'commit', '--quiet', '--message', 'no secret');
    },
  },
  {
    what: 'the server runs in production and trusts no proxy',
    check: 'cookie',
    fact: /NODE_ENV is production, but TRUST_PROXY is not set/,
    damage: (environment) => appendFile(join(environment, '.env'), 'NODE_ENV=production\n'),
  },
  {
    what: 'TRUST_PROXY is not a number',
    check: 'cookie',
    fact: /TRUST_PROXY is not a number/,
    damage: (environment) => appendFile(join(environment, '.env'), 'TRUST_PROXY=yes\n'),
  },
  {
    what: 'the server trusts a proxy, and other machines can reach the server directly',
    check: 'cookie',
    isNote: true,
    fact: /TRUST_PROXY is set, but other machines can also reach the server/,
    damage: (environment) =>
      appendFile(join(environment, '.env'), 'NODE_ENV=production\nTRUST_PROXY=1\nHOST=0.0.0.0\n'),
  },
  {
    what: 'everybody can read data/',
    check: 'data',
    fact: /Other users have access: data, data\/server\.log/,
    async damage(environment) {
      await mkdir(join(environment, 'data'), { mode: 0o755 });
      await writeFile(join(environment, 'data', 'server.log'), '', { mode: 0o644 });
    },
  },
  {
    what: 'everyone can write to the code folders',
    check: 'folders',
    fact: /Every user can write to: \., bin, node_modules\./,
    async damage(environment) {
      for (const name of ['.', 'node_modules', 'bin']) await chmod(join(environment, name), 0o777);
    },
  },
  {
    what: 'the group can write to a code folder',
    check: 'folders',
    isNote: true,
    fact: /The group can write to: \.sessapp\./,
    damage: (environment) => chmod(join(environment, '.sessapp'), 0o775),
  },
  {
    what: 'the owner cannot write to data/',
    check: 'data',
    fact: /The owner has no access: data/,
    async damage(environment) {
      await mkdir(join(environment, 'data'), { mode: 0o700 });
      await writeFile(join(environment, 'data', 'server.log'), '', { mode: 0o400 });
      await chmod(join(environment, 'data'), 0o500);
    },
  },
  {
    what: 'data/ belongs to another user',
    check: 'data',
    fact: /Owned by another user: data/,
    needsRoot: true,
    async damage(environment) {
      await mkdir(join(environment, 'data'), { mode: 0o700 });
      await chown(join(environment, 'data'), stranger, stranger);
    },
  },
  {
    what: 'the store is not a directory',
    check: 'store',
    fact: /The store cannot be used/,
    async damage(environment) {
      await mkdir(join(environment, 'data'), { mode: 0o700 });
      await writeFile(join(environment, 'data', 'sessions'), '', { mode: 0o600 });
    },
  },
  {
    what: 'the server was killed',
    check: 'server',
    isNote: true,
    fact: /data\/server\.json names process 999999999, which is not the server/,
    async damage(environment) {
      await mkdir(join(environment, 'data'), { mode: 0o700 });
      const owner = { pid: 999_999_999, started: '1', machine: '00000000' };
      await writeFile(join(environment, 'data', 'server.json'), JSON.stringify({ owner }), { mode: 0o600 });
    },
  },
];

const sandbox = new Sandbox(afterAll);
const environment = sandbox.path('myenv');

beforeAll(async () => {
  await copyEnvironment(sandbox);
});

// Restores everything except the packages, which no case changes.
beforeEach(async () => {
  for (const name of await readdir(sandbox.directory)) {
    if (name !== 'myenv') await rm(sandbox.path(name), { recursive: true });
  }
  for (const name of await readdir(environment)) {
    if (name !== 'node_modules') await rm(join(environment, name), { recursive: true });
  }
  const original = inject('environment');
  for (const name of await readdir(original)) {
    if (name !== 'node_modules') await cp(join(original, name), join(environment, name), { recursive: true });
  }
});

const casesFor = (needsRoot: boolean) => cases.filter((each) => (each.needsRoot ?? false) === needsRoot);

async function expectFixed({ check, fact, damage, isNote = false }: Case): Promise<void> {
  await damage(environment, sandbox);
  const findings = await examine(sandbox, check);
  const [finding] = findings.filter((each) => fact.test(each.fact));
  if (!finding) throw new Error(`not reported in ${JSON.stringify(findings)}`);
  expect(finding.level).toBe(isNote ? 'note' : 'problem');

  await follow(sandbox, finding);
  const fixed = await diagnose(sandbox);
  expect(fixed.findings.filter(({ level }) => level !== 'ok')).toEqual([]);
  expect(fixed.exitCode).toBe(0);
}

const title = 'when $what, doctor reports it ($check), and its command fixes it';
test.each(casesFor(false))(title, expectFixed);
test.runIf(isRoot).each(casesFor(true))(`${title}${isRoot ? '' : ' (skipped: needs root)'}`, expectFixed);
