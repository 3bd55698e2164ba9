import { lstat, realpath } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { dirname, extname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { serverFile } from '../../environment/readiness.ts';
import { commandLine, nearPath, quoteLine } from '../../shells/shells.ts';
import type { System } from '../../../system.ts';
import { type Check, type Finding, note, ok, problem, type Subject, type, withMarker } from '../check.ts';
import { readImports } from '../read-imports.ts';
import { isInside, realpathIfThere, resolvePackage } from '../resolve.ts';

/** What one import comes to. */
interface Step {
  /** A file of the environment, whose imports are next. */
  next?: string;
  finding?: Finding;
}

/** Does the code that the server loads, such as `app.js`, import from inside of the environment alone? */
export const imports: Check = {
  name: 'imports',
  examine: withMarker(async (subject, system) => {
    const root = await realpath(subject.directory);
    const server = serverFile({ ...subject, directory: root });
    // The driver is imported by a name that is worked out.
    const pending = [server, join(root, 'session', subject.marker.store + extname(server))];
    const seen = new Set<string>();
    const findings: Finding[] = [];
    const take = ({ next, finding }: Step): void => {
      if (finding) findings.push(finding);
      if (next !== undefined && !seen.has(next)) pending.push(next);
    };
    for (const first of pending.splice(0)) take(await stepInto(system, subject, root, first));
    for (let file = pending.shift(); file !== undefined; file = pending.shift()) {
      if (seen.has(file)) continue;
      seen.add(file);
      for (const specifier of await readImports(file))
        take(await examineImport(system, subject, root, file, specifier));
    }
    return findings.length > 0 ? findings : [ok('The server’s code imports nothing from outside of the environment.')];
  }),
};

async function examineImport(
  system: System,
  subject: Subject,
  root: string,
  file: string,
  specifier: string,
): Promise<Step> {
  if (isBuiltin(specifier) || /^(#|(?!file:)[a-z]+:)/i.test(specifier)) return {};
  const path = toPath(file, specifier);
  if (path !== undefined) return stepInto(system, subject, root, path, file);
  const name = /^(@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier;
  const found = await resolvePackage(dirname(file), name);
  if (found !== undefined && isInside(root, found)) return {};
  const install = type(await commandLine(system, subject.directory, 'install', name));
  const who = relative(root, file);
  if (found === undefined)
    return { finding: note(`${who} imports ${name}, which is not installed.`, whyMissing, install) };
  return { finding: problem(`${who} imports ${name} from ${found}, outside of the environment.`, whyOutside, install) };
}

const whyOutside =
  'It can change or vanish without this environment, and is not there where the environment is moved to.';
const whyMissing = 'The server does not start, or fails when it comes to that line.';

// An encoded slash is refused by Node.js.
const isFileUrl = /^file:\/\/\/(?!.*%(2f|5c|00))/i;

// Undefined for a package.
function toPath(source: string, specifier: string): string | undefined {
  if (isFileUrl.test(specifier)) return fileURLToPath(specifier);
  return /^(\.{0,2}\/|\.{1,2}$)/.test(specifier) ? resolve(dirname(source), specifier) : undefined;
}

/** @param by the file that imports this one, where one does */
async function stepInto(system: System, subject: Subject, root: string, path: string, by?: string): Promise<Step> {
  const found = await realpathIfThere(path);
  if (found === undefined) return {};
  if (isInside(root, found)) return isCode(found) ? { next: found } : {};
  if (isInside(root, path)) return { finding: await leadsOut(system, subject, root, path, found) };
  const fact = `${relative(root, by ?? path)} imports ${found}, outside of the environment.`;
  return { finding: problem(fact, whyOutside, 'Move that file into it.') };
}

function isCode(path: string): boolean {
  return /\.[cm]?[jt]s$/.test(path);
}

async function leadsOut(system: System, { directory }: Subject, root: string, path: string, found: string) {
  const name = relative(root, path);
  const fact = `${name} is outside of the environment, by a link: at ${found}.`;
  // Through a link to a directory the file that is elsewhere would go.
  if (!(await lstat(path)).isSymbolicLink()) return problem(fact, whyOutside, 'Put a copy in the place of the link.');
  const near = nearPath(system.cwd, join(directory, name));
  const commands = [await quoteLine(system, 'rm', near), await quoteLine(system, 'cp', found, near)];
  return problem(fact, whyOutside, `Put a copy in its place. ${type(...commands)}`);
}
