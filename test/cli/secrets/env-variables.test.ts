import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Environment } from '../../../src/cli/environment/find.ts';
import { setVariables } from '../../../src/cli/secrets/env-variables.ts';
import { Sandbox } from '../../support/sandbox.ts';

async function change(text: string, changes: Record<string, string | undefined>): Promise<string> {
  const { directory } = new Sandbox();
  await writeFile(join(directory, '.env'), text);
  await setVariables({ directory } as Environment, changes);
  return readFile(join(directory, '.env'), 'utf8');
}

test.each([
  ['# a\nA=1\n', { B: '2' }, '# a\nA=1\nB=2\n'],
  ['A=1', { B: '2' }, 'A=1\nB=2\n'],
  ['A=1\r\nB=2\r\n', { B: '3' }, 'A=1\r\nB=3\r\n'],
  ['B=1\nA=1 # B=3\n export B = "2"\n', { B: undefined }, 'A=1 # B=3\n'],
  ['A=1\nB=2\nC=3\n', { A: 'x', B: undefined }, 'C=3\nA=x\n'],
  ['AB=1\n', { B: undefined }, 'AB=1\n'],
])('in %j the variables are set, and nothing else changes', async (text, changes, expected) => {
  expect(await change(text, changes)).toBe(expected);
});

test('a variable inside a quoted value is refused', async () => {
  await expect(change('A="1\nB=2\n"\n', { B: '3' })).rejects.toThrow(/^B cannot be changed in .*\.env without/);
});
