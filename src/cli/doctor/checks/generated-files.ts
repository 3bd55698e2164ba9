import { join } from 'node:path';
import { isThere } from '../../../files.ts';
import type { Marker } from '../../../settings/marker.ts';
import { carriedFolder } from '../../scaffold/carried.ts';
import { findChanged } from '../../scaffold/existing.ts';
import { listApplicationFiles } from '../../scaffold/layers.ts';
import { type Check, type Finding, nameSome, note, ok, problem, type Remedy, withMarker } from '../check.ts';
import { sessapp } from '../remedies.ts';

/** These are the user's to change. */
const ownFiles =
  /^((app|server)\.[jt]s|package(-lock)?\.json|README\.md|\.git(ignore|attributes)|\.env\.example|tsconfig\.json)$/;

const isMain = /^app\.[jt]s$/;

/** Is what `init` wrote there, and as it was written? */
export const generatedFiles: Check = {
  name: 'generated-files',
  examine: withMarker(async ({ directory, marker }) => {
    const files = filesToCompare(marker);
    const missing: string[] = [];
    for (const path of Object.keys(files)) if (!(await isThere(join(directory, path)))) missing.push(path);
    const changed = (await findChanged(directory, files)).filter((path) => !ownFiles.test(path));
    const findings = [...reportMissing(directory, missing), ...reportChanged(changed)];
    return findings.length > 0 ? findings : [ok('The generated files are as they were written.')];
  }),
};

// The check `carried` looks at the package, and `application` at what the application imports.
function filesToCompare(marker: Marker): Record<string, string> {
  const others = listApplicationFiles(marker).filter((path) => !isMain.test(path));
  const isLeftOut = (path: string): boolean => ['app', carriedFolder].includes(path.split('/')[0] ?? '');
  const isCompared = (path: string): boolean => !isLeftOut(path) && !others.includes(path);
  return Object.fromEntries(Object.entries(marker.files).filter(([path]) => isCompared(path)));
}

function reportMissing(directory: string, missing: string[]): Finding[] {
  const code = missing.filter((path) => /\.[jt]s$/.test(path));
  const others = missing.filter((path) => !code.includes(path) && !ownFiles.test(path));
  const remake: Remedy = [
    'Restore it from your version control, or write it again; what you changed stays.',
    sessapp(directory, 'upgrade'),
  ];
  return [
    ...(code.length === 0 ? [] : [problem(`Missing: ${nameSome(code)}.`, 'The server does not start.', ...remake)]),
    ...(others.length === 0 ? [] : [note(`Missing: ${nameSome(others)}.`, 'What it is for does not work.', ...remake)]),
  ];
}

function reportChanged(changed: string[]): Finding[] {
  if (changed.length === 0) return [];
  const why = 'Nothing is wrong with that; but what sessapp promises was tested with the generated code.';
  return [note(`Changed by hand: ${nameSome(changed)}.`, why)];
}
