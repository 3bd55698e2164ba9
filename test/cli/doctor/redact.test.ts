import { expect, test } from 'vitest';
import type { Subject } from '../../../src/cli/doctor/check.ts';
import { redact } from '../../../src/cli/doctor/redact.ts';
import type { System } from '../../../src/system.ts';

test.each([
  ['redis://:s3cret-pass@host/0', 's3cret-pass'],
  ['redis://user:p%40ss%3Aword@host/0', 'p@ss:word'],
  ['redis://user:p%40ss%3Aword@host/0', 'p%40ss%3Aword'],
  ['postgres://host/db?user=app&password=s3cret%2Bpass', 's3cret+pass'],
  ['postgres://host/db?user=app&password=s3cret%2Bpass', 's3cret%2Bpass'],
])('a driver’s error about %s is printed without the password', (url, password) => {
  const subject = { file: { STORE_URL: url }, settings: {} } as unknown as Subject;
  const finding = { fact: `cannot log in with ${password}`, why: null, remedy: null };
  const { fact } = redact(subject, { env: {} } as unknown as System)(finding as never) as { fact: string };
  expect(fact).toBe('cannot log in with ***');
});
