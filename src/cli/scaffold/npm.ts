import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { UserError, withoutTemporary } from '../../errors.ts';
import type { RunResult, System } from '../../system.ts';
import { packageDirectory } from '../package.ts';

export interface NpmOptions {
  /** The directory whose package.json npm works on, absolute. */
  directory: string;
  /** Use npm's cache only. */
  offline: boolean;
}

/** What npm said when it failed. */
export class NpmError extends UserError {
  override name = 'NpmError';
  /** npm's own name for the reason, such as ETARGET; empty where it gave none. */
  readonly npmCode: string;

  constructor(reason: string[], npmCode: string) {
    const remedy = remedies[npmCode] ?? 'Run the same command again; if it fails again, npm doctor says more.';
    super('npm-failed', ['npm failed:', ...reason].join('\n  '), remedy);
    this.npmCode = npmCode;
  }
}

/**
 * Runs npm on one directory and on nothing around it: no parent workspace, no `.npmrc` above, no install script.
 * @returns what npm printed on stdout
 * @throws NpmError when it fails, UserError when there is no npm, Interrupted when a signal ended it
 */
export async function runNpm(system: System, args: string[], options: NpmOptions): Promise<string> {
  const { directory, offline } = options;
  const cancelSignal = system.catchInterrupts();
  const result = await system.run('npm', [...args, ...isolation, ...(offline ? ['--offline'] : [])], {
    cwd: directory,
    env: { ...npmEnvironment(system.env), SESSAPP_PREFIX: directory },
    cancelSignal,
  });
  cancelSignal.throwIfAborted();
  const unwritten = /TAR_ENTRY_ERROR (\w+)(: .*)?/.exec(result.stderr);
  // What npm has not yet written when it fails for another reason says nothing.
  if (unwritten && (result.exitCode === 0 || unwritten[1] === 'ENOSPC'))
    throw new NpmError([unwritten[0]], unwritten[1] ?? '');
  if (result.exitCode === 0) return result.stdout;
  throw explain(result, options);
}

const isolation = [
  // A prefix that is given is not looked for: npm then reads no workspace and no .npmrc of a directory above. It is given
  // as a variable because npm expands each ${HOME} and trims each space of an option's value, but not of a variable's;
  // where a path has a backslash before it, npm takes it for no variable.
  process.platform === 'win32' ? '--prefix=.' : '--prefix=/${SESSAPP_PREFIX}',
  '--ignore-scripts',
  '--omit-lockfile-registry-resolved',
  // What the user's own settings may say for other projects would make another tree than the lockfile's.
  '--package-lock',
  '--install-strategy=hoisted',
  '--bin-links',
  ...['dev', 'optional', 'peer'].map((kind) => `--include=${kind}`),
  '--no-audit',
  '--no-fund',
  '--no-progress',
  '--no-update-notifier',
  // Warnings are read, not shown: npm takes a file that could not be written for no more than that.
  '--loglevel=warn',
  // The defaults wait for more than a minute before they say that a registry cannot be reached.
  '--fetch-retry-mintimeout=500',
  '--fetch-retry-maxtimeout=3000',
];

/** What counts of npm's configuration in the environment variables: how to reach the registry, and the cache. */
const allowed =
  /^npm_config_(registry|cache|userconfig|globalconfig|(https?_)?proxy|no_?proxy|ca|cafile|cert|key|strict_ssl|fetch_\w+|maxsockets|local_address|offline|prefer_o(ff|n)line|_auth\w*|@.+|\/\/.+)$/i;

/** Makes npm end by itself when this process is killed: an orphan would go on writing into the staging directory. */
const preload = pathToFileURL(join(packageDirectory, 'dist', 'cli', 'end-with-parent.js')).href;

/**
 * The environment variables for npm: the user's, without what a surrounding npm or Node.js project set.
 * (`npx sessapp` runs us inside npm, which tells its children about its own project and options.)
 */
export function npmEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const own = Object.entries(env).filter(
    ([name]) => !/^(npm_|node_path$|node_env$|init_cwd$)/i.test(name) || allowed.test(name),
  );
  return {
    ...Object.fromEntries(own),
    NODE_OPTIONS: `${env.NODE_OPTIONS ?? ''} --import=${preload}`.trim(),
    SESSAPP_PARENT: String(process.pid),
  };
}

/** What says nothing of the cause: codes, where npm keeps its log, and what npm advises that `install` does not take. */
const noise =
  /^\s*$|^\s+(code|errno|syscall|address|port|type): |^\s*\}$|^(code|errno|syscall) |complete log of this run|^For a full report see|eresolve-report|^Fix the upstream dependency|^this command with --force|^to accept an incorrect|^Note that you can also|^tarball, folder, http/;
/** A tree of packages in conflict can be long. */
const mostLines = 40;

function explain({ stderr, startError, signal, exitCode }: RunResult, { directory, offline }: NpmOptions): UserError {
  if (startError === 'ENOENT') {
    return new UserError(
      'npm-missing',
      'npm is not on the PATH.',
      'Install npm; it comes with Node.js: https://nodejs.org',
    );
  }
  const lines = stderr
    .split('\n')
    .map((line) => line.replace(/^npm (error|ERR!) ?/, '').trimEnd())
    .filter((line) => !/^npm (warn|notice)|^\s*at /.test(line));
  const code = /^code (\S+)/m.exec(lines.join('\n'))?.[1] ?? '';
  const reason = lines
    .map((line) => line.replace(/^(404|enoent|notarget) */, '').replaceAll(`${directory}/`, ''))
    .map(withoutTemporary)
    .filter((line) => !noise.test(line))
    .slice(0, mostLines);
  const ended = signal ? `signal ${signal}` : `exit code ${exitCode}`;
  return new NpmError(
    reason.length > 0 ? reason : [code || startError || ended],
    code || (offline ? 'ENOTCACHED' : ''),
  );
}

const network = 'Check the network and the registry (npm config get registry), then run the same command again.';
const certificate = 'Give Node.js the certificate of your registry or proxy: export NODE_EXTRA_CA_CERTS=<file>';
const access = 'Log in to the registry (npm login), or ask its owner for access; then run the same command again.';
const rights = 'Give npm a cache that this user may write: export npm_config_cache=<directory>';
const versions = 'Choose a version that exists: npm view <package> versions';
const remedies: Record<string, string> = {
  ENOTFOUND: network,
  EAI_AGAIN: network,
  ECONNREFUSED: network,
  ECONNRESET: network,
  ETIMEDOUT: network,
  ERR_SOCKET_TIMEOUT: network,
  ENETUNREACH: network,
  EHOSTUNREACH: network,
  E500: network,
  E502: network,
  E503: network,
  E504: network,
  E429: 'The registry asks for fewer requests: wait a minute, then run the same command again.',
  E404: 'Check the spelling of the package. If it is a private one, log in to its registry: npm login',
  E401: access,
  E403: access,
  ENEEDAUTH: access,
  ETARGET: versions,
  ENOVERSIONS: versions,
  EINVALIDPACKAGENAME: 'Check the spelling of the package.',
  EINVALIDTAGNAME: 'Write a version as npm does: name@1.2.3, name@^1 or name@latest.',
  ERESOLVE: 'Choose another version of the package, or another package: these two cannot be installed together.',
  EBADPLATFORM: 'The package does not support this system: choose another one.',
  EBADENGINE: 'The package needs another Node.js: choose another version of it, or an environment with --node.',
  EJSONPARSE: 'Correct the JSON of the file that is named above, or restore it from your version control.',
  EUSAGE: 'Write the lockfile again: sessapp run -- npm install --ignore-scripts',
  ENOENT: 'Check the path that is named above.',
  EACCES: rights,
  EPERM: rights,
  SELF_SIGNED_CERT_IN_CHAIN: certificate,
  DEPTH_ZERO_SELF_SIGNED_CERT: certificate,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: certificate,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: certificate,
  CERT_HAS_EXPIRED: certificate,
  ENOTCACHED: '--offline takes packages from npm’s cache, which lacks one: run it once without --offline.',
  ENOSPC: 'The disk is full: free some space, then run the same command again.',
  EINTEGRITY: 'A package is not what the lockfile says. Clean npm’s cache (npm cache clean --force) and run it again.',
};
