import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { ask, isConfirmed, type Question } from '../../src/cli/prompts.ts';
import { Interrupted } from '../../src/errors.ts';
import type { System } from '../../src/system.ts';
import { fakeSystem } from '../support/in-process.ts';

const askFor = (question: Question) => (system: System) => ask(system, question);

test.each<[string, (system: System) => Promise<unknown>]>([
  ['a text', askFor({ message: 'Which?', initial: 'a' })],
  ['a choice', askFor({ message: 'Which?', initial: 'a', options: [{ value: 'a', label: 'A', hint: '' }] })],
  ['a confirmation', (system) => isConfirmed(system, 'Really?')],
])('a question for %s is cancelled when the input ends or has ended', async (_, question) => {
  const stdin = new PassThrough();
  const system = { ...fakeSystem(() => '/').system, stdin };
  const asked = question(system);
  stdin.end();
  await expect(asked).rejects.toThrow(Interrupted);
  await expect(question(system)).rejects.toThrow(Interrupted);
});

test.each([
  ['y', true],
  ['Y', true],
  ['n', false],
  ['\r', false],
  ['\u001b[B\r', true],
  ['\u001b[B\u001b[A\r', false],
])('a confirmation that gets the keys %j is %s', async (keys, confirmed) => {
  const stdin = new PassThrough();
  const system = { ...fakeSystem(() => '/').system, stdin };
  const asked = isConfirmed(system, 'Really?');
  await new Promise((resolve) => setTimeout(resolve, 50));
  stdin.write(keys);
  expect(await asked).toBe(confirmed);
});
