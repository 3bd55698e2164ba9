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

/** A failure of npm. */
export class NpmError extends UserError {
  override name = 'NpmError';
  /** npm's error code, such as ETARGET. Empty when npm gave none. */
  readonly npmCode: string;

  constructor(reason: string[], npmCode: string) {
    const remedy =
      remedies[npmCode] ?? 'Run the same command again. If it fails again, run npm doctor to find the cause.';
    super('npm-failed', ['npm failed:', ...reason].join('\n  '), remedy);
    this.npmCode = npmCode;
  }
}

/**
 * Runs npm in one directory, isolated from its parents: no parent workspace, no parent `.npmrc`. No install script runs.
 * @returns npm's stdout
 * @throws NpmError when npm fails, UserError when npm is missing, Interrupted after a signal
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
  // When npm fails for another reason, it also reports files that it had not yet written. Ignore these reports.
  if (unwritten && (result.exitCode === 0 || unwritten[1] === 'ENOSPC'))
    throw new NpmError([unwritten[0]], unwritten[1] ?? '');
  if (result.exitCode === 0) return result.stdout;
  throw explain(result, options);
}

const isolation = [
  // With an explicit prefix, npm does not search for one, and reads no workspace or .npmrc of a parent directory. The prefix
  // is passed as a variable: npm expands ${HOME} and trims spaces in an option, but not in the value of a variable. On
  // Windows this does not work: npm does not expand a variable after a backslash.
  process.platform === 'win32' ? '--prefix=.' : '--prefix=/${SESSAPP_PREFIX}',
  '--ignore-scripts',
  '--omit-lockfile-registry-resolved',
  // With the user's own npm settings, npm could install other packages than those in the lockfile.
  '--package-lock',
  '--install-strategy=hoisted',
  '--bin-links',
  ...['dev', 'optional', 'peer'].map((kind) => `--include=${kind}`),
  '--no-audit',
  '--no-fund',
  '--no-progress',
  '--no-update-notifier',
  // We read the warnings, but do not print them: npm only warns when it cannot write a file.
  '--loglevel=warn',
  // With the default timeouts, npm retries an unreachable registry for more than a minute.
  '--fetch-retry-mintimeout=500',
  '--fetch-retry-maxtimeout=3000',
];

/** The npm settings from environment variables that are kept: access to the registry, and the cache. */
const allowed =
  /^npm_config_(registry|cache|userconfig|globalconfig|(https?_)?proxy|no_?proxy|ca|cafile|cert|key|strict_ssl|fetch_\w+|maxsockets|local_address|offline|prefer_o(ff|n)line|_auth\w*|@.+|\/\/.+)$/i;

/** Ends npm when this process is killed: an orphaned npm would continue to write into the staging directory. */
const preload = pathToFileURL(join(packageDirectory, 'dist', 'cli', 'end-with-parent.js')).href;

/**
 * The environment variables for npm: the user's, without those of another npm or Node.js project. For example, `npx sessapp`
 * runs inside npm, which sets variables about its own project and options.
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

/** Lines that do not explain the cause: codes, the path of npm's log, and advice to use options that `install` lacks. */
const noise =
  /^\s*$|^\s+(code|errno|syscall|address|port|type): |^\s*\}$|^(code|errno|syscall) |complete log of this run|^For a full report see|eresolve-report|^Fix the upstream dependency|^this command with --force|^to accept an incorrect|^Note that you can also|^tarball, folder, http/;
/** npm may print a long tree of conflicting packages. */
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
const certificate = 'Make Node.js trust the certificate of your registry or proxy: export NODE_EXTRA_CA_CERTS=<file>';
const access = 'Log in to the registry (npm login), or ask its owner for access; then run the same command again.';
const rights = 'Use a cache directory that this user can write to: export npm_config_cache=<directory>';
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
  E429: 'The registry limits the number of requests. Wait a minute, then run the same command again.',
  E404: 'Check the spelling of the package name. If the package is private, log in to its registry: npm login',
  E401: access,
  E403: access,
  ENEEDAUTH: access,
  ETARGET: versions,
  ENOVERSIONS: versions,
  EINVALIDPACKAGENAME: 'Check the spelling of the package name.',
  EINVALIDTAGNAME: 'Write a version as npm does: name@1.2.3, name@^1 or name@latest.',
  ERESOLVE: 'Choose another version of the package, or another package. These versions cannot be installed together.',
  EBADPLATFORM: 'The package does not support this system. Choose another package.',
  EBADENGINE:
    'The package needs another version of Node.js. Choose another version of the package, or make an environment with --node.',
  EJSONPARSE: 'Correct the JSON in the file named above, or restore it from your version control.',
  EUSAGE: 'Write the lockfile again: sessapp run -- npm install --ignore-scripts',
  ENOENT: 'Check the path named above.',
  EACCES: rights,
  EPERM: rights,
  SELF_SIGNED_CERT_IN_CHAIN: certificate,
  DEPTH_ZERO_SELF_SIGNED_CERT: certificate,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: certificate,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: certificate,
  CERT_HAS_EXPIRED: certificate,
  ENOTCACHED: 'A package is not in npm’s cache. Run the same command once without --offline.',
  ENOSPC: 'The disk is full. Free some space, then run the same command again.',
  EINTEGRITY:
    'A package does not match its hash in the lockfile. Clean npm’s cache (npm cache clean --force), then run the same command again.',
};
