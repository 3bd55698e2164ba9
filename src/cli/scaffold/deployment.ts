import { chown, mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { hasCode, orUndefined, UserError } from '../../errors.ts';
import { isThere } from '../../files.ts';
import type { Environment } from '../environment/find.ts';
import { nodeOf, serverFile } from '../environment/readiness.ts';
import { linkIfFree, withDraft } from '../environment/write-file.ts';
import { templatesDirectory } from '../package.ts';
import { toPackageName } from './package-name.ts';

interface Target {
  /** Of templates. */
  folders: string[];
  /** It runs the environment where it is, and does not make the folder for data itself. */
  needsData?: true;
}

/** Where an environment can be deployed. */
const targets: Record<string, Target> = {
  docker: { folders: ['docker'] },
  compose: { folders: ['docker', 'compose'] },
  systemd: { folders: ['systemd'], needsData: true },
  kubernetes: { folders: ['docker', 'kubernetes'] },
};

export const deployTargets = Object.keys(targets);

/** One file to write into the environment. */
export interface DeployedFile {
  /** In the environment, with `/`. */
  path: string;
  content: string;
  /** `kept`: there is one already, which stays as it is. */
  state: 'written' | 'unchanged' | 'kept';
}

/** What would be written for a target, decided before anything is. */
export async function planDeployment(environment: Environment, target: string): Promise<DeployedFile[]> {
  const { directory, marker } = environment;
  const variants = ['all', marker.store, ...(marker.store === 'embedded' ? [] : ['network'])];
  const values = await readValues(environment);
  const files: DeployedFile[] = [];
  for (const folder of targets[target]?.folders ?? []) {
    for (const variant of variants) {
      for (const [path, text] of await readTexts(join(templatesDirectory, 'deploy', folder, variant))) {
        const to = fill(path, values).replace(/(^|\/)dockerignore$/, '$1.dockerignore');
        const content = fill(text, values);
        files.push({ path: to, content, state: await stateOf(join(directory, to), content) });
      }
    }
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Writes what is not there; a file that is there is never replaced, also when it has come meanwhile. */
export async function writeDeployment(
  { directory }: Environment,
  target: string,
  files: DeployedFile[],
): Promise<void> {
  if (targets[target]?.needsData) await makeData(directory);
  for (const { path, content, state } of files) {
    if (state !== 'written') continue;
    const file = join(directory, path);
    await mkdir(dirname(file), { recursive: true, mode: 0o755 });
    if (await withDraft(file, content, 0o644, (draft) => linkIfFree(draft, file))) continue;
    throw new UserError('changed-meanwhile', `${file} appeared meanwhile.`, 'Run the same command again.');
  }
}

// With sudo too it is the server's, which runs as the owner of the environment.
async function makeData(directory: string): Promise<void> {
  const data = join(directory, 'data');
  const made = await orUndefined(mkdir(data, { recursive: true, mode: 0o700 }), 'EEXIST');
  if (made === undefined) return;
  const { uid, gid } = await stat(directory);
  if (process.getuid && process.getuid() !== uid) await chown(data, uid, gid);
}

async function stateOf(path: string, content: string): Promise<DeployedFile['state']> {
  if (!(await isThere(path))) return 'written';
  const found = await orUndefined(readFile(path, 'utf8'), 'EISDIR', 'ENOENT', 'EACCES');
  return found === content ? 'unchanged' : 'kept';
}

async function readValues(environment: Environment): Promise<Record<string, string>> {
  const { directory, marker } = environment;
  const name = basename(directory);
  const { uid } = await stat(directory);
  const nodeTag = `${marker.node ?? process.versions.node.split('.')[0]}-slim`;
  return {
    name: onOneLine(name),
    label: toLabel(name),
    nodeTag,
    server: basename(serverFile(environment)),
    // systemd.unit(5) and systemd.syntax(7): a percent sign begins a specifier.
    description: onOneLine(name).replaceAll('%', '%%'),
    directory: toUnitPath(directory),
    data: quoteForUnit(join(directory, 'data')),
    nodeCommand: quoteForUnit(nodeOf(environment)),
    user: userName(uid),
  };
}

// The system may not know a user by name, as in a container with a uid of its own.
function userName(uid: number): string {
  if (uid !== process.getuid?.()) return String(uid);
  try {
    return userInfo().username;
  } catch (error) {
    if (hasCode(error, 'ERR_SYSTEM_ERROR')) return String(uid);
    throw error;
  }
}

function onOneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]/gu, ' ');
}

// RFC 1123: what Kubernetes, Compose and systemd all take for a name.
function toLabel(name: string): string {
  const label = toPackageName(name)
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 50)
    .replace(/^-+|-+$/g, '');
  return /^[a-z]/.test(label) ? label : `session-server${label && `-${label}`}`;
}

// The rest of the line is the path.
function toUnitPath(path: string): string {
  if (/[\n\r]|[\\ \t]$/.test(path)) {
    const fact = 'systemd takes no path with a line break in it, or a backslash or a blank at its end.';
    throw new UserError('name-refused', fact, 'Rename the environment.');
  }
  return path.replaceAll('%', '%%');
}

function quoteForUnit(path: string): string {
  return `"${toUnitPath(path).replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

function fill(text: string, values: Record<string, string>): string {
  return text.replace(/\{\{(\w+)\}\}/g, (_, name: string) => values[name] ?? '');
}

async function readTexts(folder: string): Promise<[path: string, text: string][]> {
  if (!(await isThere(folder))) return [];
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Promise.all(
    files.map(async (file): Promise<[string, string]> => [file.slice(folder.length + 1), await readFile(file, 'utf8')]),
  );
}
