import { stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { basename, join } from 'node:path';
import { hasCode, UserError } from '../../errors.ts';
import { storeKinds } from '../../settings/stores.ts';
import type { Environment } from '../environment/find.ts';
import { nodeOf, serverFile } from '../environment/readiness.ts';
import { toPackageName } from './package-name.ts';

/** The values for the placeholders in the templates of all targets, escaped for the file format. */
export async function readDeploymentValues(environment: Environment): Promise<Record<string, string>> {
  const { directory, marker } = environment;
  const name = basename(directory);
  const label = toLabel(name);
  const address = storeKinds[marker.store]?.address;
  const { uid } = await stat(directory);
  const nodeTag = `${marker.node ?? process.versions.node.split('.')[0]}-slim`;
  return {
    name: onOneLine(name),
    label,
    nodeTag,
    server: basename(serverFile(environment)),
    // systemd.unit(5) and systemd.syntax(7): a percent sign begins a specifier.
    description: onOneLine(name).replaceAll('%', '%%'),
    directory: toUnitPath(directory),
    data: quoteForUnit(join(directory, 'data')),
    nodeCommand: quoteForUnit(nodeOf(environment)),
    user: userName(uid),
    volume: marker.store === 'embedded' ? ` --volume ${label}:/app/data` : '',
    storePort: address ? new URL(address.example).port : '',
  };
}

// The user may have no name, for example in a container with an arbitrary uid.
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

// RFC 1123: a name that is valid for Kubernetes, Compose and systemd.
function toLabel(name: string): string {
  const label = toPackageName(name)
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 50)
    .replace(/^-+|-+$/g, '');
  return /^[a-z]/.test(label) ? label : `session-server${label && `-${label}`}`;
}

// In a unit file, the path is the rest of the line.
function toUnitPath(path: string): string {
  if (/[\n\r]|[\\ \t]$/.test(path)) {
    const fact = 'systemd does not accept a path that contains a line break, or ends with a backslash or a space.';
    throw new UserError('name-refused', fact, 'Rename the environment.');
  }
  return path.replaceAll('%', '%%');
}

function quoteForUnit(path: string): string {
  return `"${toUnitPath(path).replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
