import { findUnrunScripts, runScriptsLine, type UnrunScript } from '../../environment/install-scripts.ts';
import { type Check, type Finding, note, ok, problem } from '../check.ts';

/** Does a package need its install script? sessapp never runs install scripts. */
export const installScripts: Check = {
  name: 'install-scripts',
  async examine({ directory }) {
    const found = await findUnrunScripts(directory);
    const findings = [true, false].flatMap((isNative) =>
      report(
        directory,
        found.filter((script) => script.isNative === isNative),
      ),
    );
    return findings.length > 0 ? findings : [ok('No package needs its install script.')];
  },
};

function report(directory: string, scripts: UnrunScript[]): Finding[] {
  const names = scripts.map(({ name }) => name);
  if (names.length === 0) return [];
  const fact = `The install scripts of ${names.join(', ')} were not run.`;
  const line: Parameters<typeof note>[2] = (system) => runScriptsLine(system, directory, names);
  if (scripts.some(({ isNative }) => isNative))
    return [
      problem(
        fact,
        'The packages cannot be imported without their native part.',
        'Run the scripts if you trust them.',
        line,
      ),
    ];
  const why = 'A package may need the files that its script creates.';
  return [
    note(
      fact,
      why,
      'Run the scripts if you trust them. To hide this note, list the packages in allowScripts in package.json.',
      line,
    ),
  ];
}
