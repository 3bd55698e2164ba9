import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { ask, type Question } from '../../src/cli/prompts.ts';
import { Interrupted } from '../../src/errors.ts';
import { fakeSystem } from '../support/in-process.ts';

test.each<[string, Question]>([
  ['a text', { message: 'Which?', initial: 'a' }],
  ['a choice', { message: 'Which?', initial: 'a', options: [{ value: 'a', label: 'A', hint: '' }] }],
])('a question for %s is cancelled when the input ends or has ended', async (_, question) => {
  const stdin = new PassThrough();
  const system = { ...fakeSystem(() => '/').system, stdin };
  const asked = ask(system, question);
  stdin.end();
  await expect(asked).rejects.toThrow(Interrupted);
  await expect(ask(system, question)).rejects.toThrow(Interrupted);
});
