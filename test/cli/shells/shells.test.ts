import { expect, test } from 'vitest';
import { commandLine } from '../../../src/cli/shells/shells.ts';
import { fakeSystem } from '../../support/in-process.ts';

const system = (cwd: string) => fakeSystem(() => cwd, { SHELL: '/bin/sh' }).system;

test.each([
  [['init'], 'sessapp init myenv'],
  [['serve', '--background'], 'sessapp serve myenv --background'],
  [['shell'], 'sessapp shell myenv'],
  [['deploy', 'docker'], 'sessapp deploy -e myenv docker'],
  [['install'], 'sessapp install -e myenv'],
  [['run', '--', 'env'], 'sessapp run -e myenv -- env'],
  [['secret retire', '1a2b'], 'sessapp secret retire -e myenv 1a2b'],
] as [[string, ...string[]], string][])(
  'a command line for %j names the environment as that command expects',
  async (words, line) => {
    expect(await commandLine(system('/home/ann'), '/home/ann/myenv', ...words)).toBe(line);
  },
);

test('inside the environment, only init names it', async () => {
  const inside = system('/home/ann/myenv');
  expect(await commandLine(inside, '/home/ann/myenv', 'stop')).toBe('sessapp stop');
  expect(await commandLine(inside, '/home/ann/myenv', 'init')).toBe('sessapp init .');
});
