import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { finish, type Result, repository, type Sandbox } from './sandbox.ts';

/** A build of the package that differs from the repository's, run from its own directory. */
export interface OtherBuild {
  /** The absolute path of a file, given its path in the package. */
  path(...names: string[]): string;
  edit(path: string, change: (text: string) => string): Promise<void>;
  run(args: string[], cwd?: string): Promise<Result>;
}

/** Copies the files of the package, with another version and content. */
export async function copyBuild(sandbox: Sandbox, version = '9.9.9'): Promise<OtherBuild> {
  const directory = sandbox.path(`build-${version}`);
  for (const name of ['bin', 'dist', 'package.json', 'LICENSE'])
    await cp(join(repository, name), join(directory, name), { recursive: true });
  const build: OtherBuild = {
    path: (...names) => join(directory, ...names),
    async edit(path, change) {
      await writeFile(join(directory, path), change(await readFile(join(directory, path), 'utf8')));
    },
    run: (args, cwd = sandbox.directory) =>
      finish(sandbox.spawn(process.execPath, [join(directory, 'bin', 'sessapp.js'), ...args], { cwd })),
  };
  await build.edit('package.json', (text) => text.replace(/"version": "[^"]*"/, `"version": "${version}"`));
  await build.edit('dist/build-id', () => `build-${version}`);
  return build;
}
