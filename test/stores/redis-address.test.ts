import { expect, test } from 'vitest';
import { storeKinds } from '../../src/settings/stores.ts';
import { example, findFault, readAddress } from '../../src/stores/redis/address.ts';
import { open } from '../../src/stores/redis/driver.ts';

test.each([
  ['redis://localhost', { hosts: [{ host: 'localhost', port: 6379 }], tls: false, database: 0 }],
  ['rediss://db.example:7000/2', { hosts: [{ host: 'db.example', port: 7000 }], tls: true, database: 2 }],
  ['redis://[::1]:7000/', { hosts: [{ host: '::1', port: 7000 }], tls: false, database: 0 }],
  [
    'redis://me:p%40ss%2Fword@a:7001,b,[::1]:7003/1',
    {
      hosts: [
        { host: 'a', port: 7001 },
        { host: 'b', port: 6379 },
        { host: '::1', port: 7003 },
      ],
      tls: false,
      username: 'me',
      password: 'p@ss/word',
      database: 1,
    },
  ],
  ['redis://:word@a', { hosts: [{ host: 'a', port: 6379 }], tls: false, password: 'word', database: 0 }],
])('%s is a valid address', (url, expected) => {
  expect(readAddress(url)).toEqual(expected);
});

test.each([
  ['', /does not begin with redis/],
  ['localhost:6379', /does not begin with redis/],
  ['http://localhost', /does not begin with redis/],
  ['redis://', /has no host/],
  ['redis://:geheim@', /has no host/],
  ['redis://a,,b', /has no host/],
  ['redis://a:geheim', /has no host/],
  ['redis://a:99999', /has no host/],
  ['redis://:gehe%im@a', /percent-encoded/],
  ['redis://:gehe/im@a', /has no host/],
  ['redis://:gehe#im@a', /has no host/],
  ['redis://a/geheim', /a database that is not a number/],
  ['redis://a/-1', /a database that is not a number/],
  ['redis://a?db=geheim', /an unexpected \? or #/],
  ['redis://a/1#geheim', /an unexpected \? or #/],
])('%j is refused, and the message does not quote it', async (url, fault) => {
  expect(findFault(url)).toMatch(fault);
  expect(findFault(url)).not.toMatch(/gehe/);
  await expect(open(url, 'environment')).rejects.toThrow(fault);
});

test('init and the driver accept the same protocols', () => {
  const { address } = storeKinds.redis ?? {};
  expect(address?.example).toBe(example);
  for (const protocol of address?.protocols ?? []) expect(findFault(`${protocol}://a`)).toBeUndefined();
});
