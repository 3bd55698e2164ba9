import { randomBytes } from 'node:crypto';
import { beforeEach, expect, test, vi } from 'vitest';
import { createKeyring } from '../../src/session/cookie/signature.ts';
import {
  createSecret,
  isUsable,
  readCreationTimes,
  readSecrets,
  renderEnvFile,
  secretIdOf,
  splitSecrets,
} from '../../src/settings/secrets.ts';

vi.mock('node:crypto', { spy: true });
beforeEach(() => void vi.mocked(randomBytes).mockReset());

const good = 'k3'.repeat(3) + Buffer.from('0123456789abcdefghijklmnopqrstuv').toString('base64url');

test.each([good, 'short', 'with, a comma', '비밀 키', ''])(
  'the tool and the server call the secret %j the same',
  (secret) => {
    expect(secretIdOf(secret)).toBe(createKeyring(() => [secret])()[0].id);
    expect(secretIdOf(secret)).toMatch(/^[0-9a-f]{8}$/);
  },
);

test.each([
  good,
  good.slice(0, 31),
  good.slice(0, 32),
  'ab'.repeat(20),
  '0123456789'.repeat(4),
  '012345678'.repeat(4),
  `${good}-change-me`,
  `${good}changeme`,
  `${good}SECRET`,
  `${good}password`,
  `${good}example`,
  `${good}replace`,
  `${good}PlaceHolder`,
  '세션비밀열쇠아주길다정말길어요',
])('the tool and the server agree on whether %j can be used', (secret) => {
  const isAccepted = (): boolean => {
    try {
      return readSecrets(secret).length === 1;
    } catch {
      return false;
    }
  };
  expect(isUsable(secret)).toBe(isAccepted());
});

test.each([`${good}`, ` ${good} , ,${good}x,`, `${good},${good}`])(
  'the tool and the server read the same of %j',
  (value) => {
    expect(splitSecrets(value)).toEqual(readSecrets(value));
  },
);

test('a secret that chance makes look like a placeholder is not given out', () => {
  vi.mocked(randomBytes).mockImplementationOnce(() => Buffer.from('secret'.padEnd(43, good), 'base64url'));
  const secret = createSecret();
  expect(randomBytes).toHaveBeenCalledTimes(2);
  expect(isUsable(secret)).toBe(true);
});

test('the age of a secret in a .env that sessapp 0.1 wrote is read too', () => {
  expect([...readCreationTimes('# key 1a2b3c4d since 2026-01-31T12:00:00.000Z\n')]).toEqual([
    ['1a2b3c4d', Date.UTC(2026, 0, 31, 12)],
  ]);
});

test('a new .env says how old its secret is', () => {
  const text = renderEnvFile(good, Date.UTC(2026, 0, 31, 12));
  expect([...readCreationTimes(text)]).toEqual([[secretIdOf(good), Date.UTC(2026, 0, 31, 12)]]);
  expect([
    ...readCreationTimes('# secret 1a2b3c4d since yesterday\n# secret 1a2b3c4 since 2026-01-31T12:00:00Z\n'),
  ]).toEqual([]);
});
