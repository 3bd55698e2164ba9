import { expect, test } from 'vitest';
import { createId } from '../../src/session/cookie/ids.ts';
import { createVerifier, signId } from '../../src/session/cookie/signature.ts';
import { sessionKeyOf } from '../../src/stores/session-key.ts';

const [older, newer] = ['older', 'newer'].map((id) => ({ id, secret: id.repeat(10) })) as [
  { id: string; secret: string },
  { id: string; secret: string },
];

test('what was verified counts no longer than its key does, and names it', () => {
  const verify = createVerifier();
  const id = createId();
  const value = signId(id, older);
  const first = [older];
  expect(verify(value, first)).toEqual({ id, value, sessionKey: sessionKeyOf(id), keyId: 'older' });
  expect(verify(value, first)).toEqual({ id, value, sessionKey: sessionKeyOf(id), keyId: 'older' });
  expect(verify(value, [newer, older])).toMatchObject({ id, keyId: 'older' });
  expect(verify(value, [newer])).toBeUndefined();
  expect(verify(value, first)).toMatchObject({ id, keyId: 'older' });
});

test('what is known stays what is right when there is more of it than is kept', () => {
  const verify = createVerifier();
  const keys = [newer];
  const ids = Array.from({ length: 10_050 }, createId);
  for (const id of ids) expect(verify(signId(id, newer), keys)?.id).toBe(id);
  for (const id of ids.slice(0, 100)) expect(verify(signId(id, newer), keys)?.id).toBe(id);
  expect(verify(signId(ids[0] ?? '', older), keys)).toBeUndefined();
});
