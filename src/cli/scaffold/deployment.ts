import { chown, mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { orUndefined, UserError } from '../../errors.ts';
import { isThere } from '../../files.ts';
import type { Environment } from '../environment/find.ts';
import { linkIfFree, withDraft } from '../environment/write-file.ts';
import { templatesDirectory } from '../package.ts';
import { readDeploymentValues } from './deployment-values.ts';
import { verifyImageDependencies } from './image-dependencies.ts';

interface Target {
  /** The template folders. */
  folders: string[];
  /** The commands to type in the environment after the files are written. */
  next: string[];
  /** The target runs the environment in its directory, and cannot create the data folder itself. */
  needsData?: true;
}

/** The targets that an environment can be deployed to. */
const targets: Record<string, Target> = {
  docker: {
    folders: ['docker'],
    next: [
      'docker build --tag {{label}} .',
      // .env may hold the settings of development: another port, or a host that is only inside the container.
      'docker run --init --env-file .env --env NODE_ENV=production --env HOST=0.0.0.0 --env PORT=5000 --env TRUST_PROXY=1 ' +
        '--publish 127.0.0.1:5000:5000{{volume}} {{label}}',
    ],
  },
  compose: { folders: ['docker', 'compose'], next: ['docker compose up --build --detach'] },
  systemd: {
    folders: ['systemd'],
    needsData: true,
    next: ['sudo cp deploy/{{label}}.service /etc/systemd/system/', 'sudo systemctl enable --now {{label}}'],
  },
  kubernetes: {
    folders: ['docker', 'kubernetes'],
    next: [
      'docker build --tag {{label}}:latest .',
      'kubectl create secret generic {{label}} --from-env-file=.env',
      'kubectl apply --filename deploy/kubernetes',
    ],
  },
};

export const deployTargets = Object.keys(targets);

/** The target that can have a NetworkPolicy, and the template folder with that policy. */
export const policyTarget = 'kubernetes';
const policyFolder = 'network-policy';

/** One file to write into the environment. */
export interface DeployedFile {
  /** Relative to the environment, with `/`. */
  path: string;
  content: string;
  /** `kept`: the file exists with other content, and stays unchanged. */
  state: 'written' | 'unchanged' | 'kept';
}

/** The files to write for a target, decided before anything is written. */
export interface Deployment {
  target: string;
  files: DeployedFile[];
  /** The commands to type in the environment afterwards. */
  next: string[];
  /** Each has one or two sentences. */
  warnings: string[];
}

/** @throws UserError when the image could not contain a package that the environment needs */
export async function planDeployment(
  environment: Environment,
  target: string,
  withNetworkPolicy: boolean,
): Promise<Deployment> {
  const { directory, marker } = environment;
  const { folders, next } = targetOf(target);
  if (folders.includes('docker')) await verifyImageDependencies(directory);
  const variants = ['all', marker.store, ...(marker.store === 'embedded' ? [] : ['network'])];
  const values = await readDeploymentValues(environment);
  const files: DeployedFile[] = [];
  for (const folder of [...folders, ...(withNetworkPolicy ? [policyFolder] : [])]) {
    for (const variant of variants) {
      for (const [path, text] of await readTexts(join(templatesDirectory, 'deploy', folder, variant))) {
        const to = fill(path, values).replace(/(^|\/)dockerignore$/, '$1.dockerignore');
        const content = fill(text, values);
        files.push({ path: to, content, state: await stateOf(join(directory, to), content) });
      }
    }
  }
  files.sort((a, b) => (a.path < b.path ? -1 : 1));
  return { target, files, next: next.map((line) => fill(line, values)), warnings: findWarnings(environment, files) };
}

function targetOf(name: string): Target {
  const target = targets[name];
  if (!target) throw new TypeError(`there is no target '${name}'`);
  return target;
}

function findWarnings({ directory }: Environment, files: DeployedFile[]): string[] {
  return files
    .filter(({ content, state }) => state !== 'kept' && /^User=(root|0)$/m.test(content))
    .map(
      ({ path }) =>
        `${path} runs the server as root, because root owns ${directory}. Change the owner of the directory (chown -R), ` +
        'delete the file, and run the same command again.',
    );
}

/** Writes the missing files. It never replaces a file, even if another process has just written it. */
export async function writeDeployment({ directory }: Environment, { target, files }: Deployment): Promise<void> {
  if (targetOf(target).needsData) await makeData(directory);
  for (const { path, content, state } of files) {
    if (state !== 'written') continue;
    const file = join(directory, path);
    await mkdir(dirname(file), { recursive: true, mode: 0o755 });
    if (await withDraft(file, content, 0o644, (draft) => linkIfFree(draft, file))) continue;
    throw new UserError('changed-meanwhile', `Another process wrote ${file} meanwhile.`, 'Run the same command again.');
  }
}

// The server runs as the owner of the environment, so that user must own data/, even if this command runs with sudo.
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
