import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { repository } from '../support/sandbox.ts';

const files = ['bin/sessapp.js', 'bin/verify-node.js', 'scripts/prepare.js'];

// test/slow/package.test.ts runs them in old versions of Node.js.
test.each(files)(
  '%s uses syntax that Node.js 12 can parse, so that it can print which version it needs',
  async (file) => {
    const source = await readFile(join(repository, file), 'utf8');
    const lower = (target: ts.ScriptTarget): string => {
      const compilerOptions = { target, module: ts.ModuleKind.ESNext, removeComments: true };
      return ts.transpileModule(source, { compilerOptions }).outputText;
    };
    expect(lower(ts.ScriptTarget.ES2019)).toBe(lower(ts.ScriptTarget.ESNext));
    const code = lower(ts.ScriptTarget.ESNext);
    expect(code.split('\n').filter((line) => /^\S.*\bawait\b|^await\b/.test(line))).toEqual([]);
  },
);

test.each(files)('%s imports no newer syntax before it has checked the version', async (file) => {
  const source = await readFile(join(repository, file), 'utf8');
  const imports = [...source.matchAll(/^import .* from '([^']+)'/gm)].map(([, path]) => path?.split('/').at(-1));
  expect(imports.filter((name) => name !== 'verify-node.js')).toEqual([]);
});
