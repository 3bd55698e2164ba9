import { join } from 'node:path';
import { isThere } from '../../../files.ts';
import type { Marker } from '../../../settings/marker.ts';
import { carriedFolder } from '../../scaffold/carried.ts';
import { findChanged } from '../../scaffold/existing.ts';
import { listApplicationFiles } from '../../scaffold/layers.ts';
import { type Check, type Finding, nameSome, note, ok, problem, type Remedy, withMarker } from '../check.ts';
import { sessapp } from '../remedies.ts';

/** Generated files that the user is meant to change. */
const ownFiles =
  /^((app|server)\.[jt]s|package(-lock)?\.json|README\.md|\.git(ignore|attributes)|\.env\.example|tsconfig\.json)$/;

const isMain = /^app\.[jt]s$/;

/** Are the generated files present and unchanged? */
export const generatedFiles: Check = {
  name: 'generated-files',
  examine: withMarker(async ({ directory, marker }) => {
    const files = filesToCompare(marker);
    const missing: string[] = [];
    for (const path of Object.keys(files)) if (!(await isThere(join(directory, path)))) missing.push(path);
    const changed = (await findChanged(directory, files)).filter((path) => !ownFiles.test(path));
    const findings = [...reportMissing(directory, missing), ...reportChanged(changed)];
    return findings.length > 0 ? findings : [ok('The generated files that you are not meant to change are unchanged.')];
  }),
};

// The check `carried` covers the carried package, and `application` the files that the application imports.
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
    'Restore it from your version control, or write it again; upgrade keeps the files that you changed.',
    sessapp(directory, 'upgrade'),
  ];
  return [
    ...(code.length === 0 ? [] : [problem(`Missing: ${nameSome(code)}.`, 'The server does not start.', ...remake)]),
    ...(others.length === 0
      ? []
      : [note(`Missing: ${nameSome(others)}.`, 'The features of these files do not work.', ...remake)]),
  ];
}

function reportChanged(changed: string[]): Finding[] {
  if (changed.length === 0) return [];
  const why = 'You may change them, but sessapp is tested only with the generated code.';
  return [note(`Changed by hand: ${nameSome(changed)}.`, why)];
}
