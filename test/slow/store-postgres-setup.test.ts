import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Driver } from '../../src/stores/driver.ts';
import { example, findFault, readAddress } from '../../src/stores/postgres/address.ts';
import { open } from '../../src/stores/postgres/driver.ts';
import { missingPostgres, Postgres, role, type UrlOptions } from '../support/postgres.ts';
import { record } from '../support/records.ts';
import { waitFor } from '../support/server.ts';
import { findFreePort, whyMissing } from '../support/server-programs.ts';

test.each([
  ['postgres://u:p@h:5433/db', undefined],
  ['postgresql://h/db?sslmode=verify-full', undefined],
  ['postgres:///db?host=/run/postgresql', undefined],
  ['postgres://u@%2Frun%2Fpostgresql/db', undefined],
  [example, undefined],
  ['redis://h', /begin with postgres:/],
  ['h/db', /begin with postgres:/],
  ['postgres://h', /no database/],
  ['postgres:///db', /no host/],
  ['postgres://h,i/db', /several hosts/],
  ['postgres://h:99999/db', /not a valid address/],
  ['postgres://u:sec/ret@h/db', /not a valid address.*%2F/],
  ['postgres://u:sec#ret@h/db', /not a valid address.*%23/],
  ['postgres://u:1?secret=1@h/db', /an unknown parameter; valid parameters are sslmode/],
  ['postgres://h/db?password=secret', /an unknown parameter; valid parameters are sslmode/],
  ['postgres://h/db?sslmod=require', /an unknown parameter; valid parameters are sslmode/],
  ['postgres://h/db?sslmode=yes', /valid values are disable, prefer/],
  ['postgres://h/db?sslmode=verify-ca', /no sslrootcert/],
  ['postgres://h/db?sslmode=require&sslrootcert=/no/secret.pem', /cannot be read \(ENOENT\)/],
])('the address %s is valid, or its fault is described', (url, fault) => {
  const told = findFault(url);
  if (fault === undefined) expect(told).toBeUndefined();
  else expect(told).toMatch(fault);
  expect(told ?? '').not.toContain('sec');
});

test.each([
  ['postgres://u:secret@h/db', 'h:5432'],
  ['postgres://u:secret@[::1]:5433/db', '[::1]:5433'],
  ['postgres://u:secret@%2Frun%2Fpostgresql/db', '/run/postgresql'],
  ['postgres:///db?host=/run/postgresql&port=5433', '/run/postgresql'],
])('a message names only the host and port of %s', (url, serverName) => {
  expect(readAddress(url).serverName).toBe(serverName);
});

describe.skipIf(missingPostgres)(`setting up PostgreSQL${missingPostgres ? `: ${missingPostgres}` : ''}`, () => {
  let server: Postgres;

  beforeAll(async () => {
    server = await Postgres.create();
    await server.start();
  });

  afterAll(() => server.remove());

  async function openDriver(options: UrlOptions = {}): Promise<Driver> {
    const driver = await open(server.url(options), 'environment');
    onTestFinished(() => driver.close());
    return driver;
  }

  /** The reason why the store cannot be used. */
  async function refusal(options: UrlOptions): Promise<string> {
    const error: unknown = await (await openDriver(options)).ping().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(Error);
    for (const secret of [role.password, encodeURIComponent(role.password), 'wrong-secret'])
      expect(inspect(error, { depth: null, showHidden: true })).not.toContain(secret);
    return (error as Error).message;
  }

  test.each<[string, () => Promise<UrlOptions> | UrlOptions, RegExp]>([
    [
      'a port where nothing listens',
      async () => ({ port: await findFreePort() }),
      /nothing listens there \(ECONNREFUSED\)/,
    ],
    ['another password', () => ({ password: 'wrong-secret' }), /password authentication failed for user "app"/],
    ['no password', () => ({ password: '' }), /asks for a password, but its address has none/],
    ['an unknown user', () => ({ user: 'nobody' }), /password authentication failed/],
    ['an unknown database', () => ({ database: 'missing' }), /database "missing" does not exist/],
    ['TLS on a server without TLS', () => ({ query: 'sslmode=require' }), /does not support TLS.*sslmode/],
  ])('with %s the store reports why it cannot be used, and does not reveal the password', async (_, options, fact) => {
    expect(await refusal(await options())).toMatch(fact);
  });

  test('a password in the environment or the home directory is not used', async () => {
    process.env.PGPASSWORD = role.password;
    onTestFinished(() => void Reflect.deleteProperty(process.env, 'PGPASSWORD'));
    expect(await refusal({ password: '' })).toMatch(/asks for a password/);
  });

  test('a database that is not in UTF-8 is refused, with the remedy', async () => {
    await server.sql("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 OWNER app", [], 'postgres');
    expect(await refusal({ database: 'latin' })).toMatch(/encoding is LATIN1.*ENCODING 'UTF8'/);
  });

  test('a read-only server is refused until it is writable', async () => {
    const schema = await server.createSchema();
    const driver = await openDriver({ schema });
    await driver.ping();
    await server.sql(`ALTER ROLE ${role.name} SET default_transaction_read_only = on`);
    await server.terminateConnections();
    await expect(driver.ping()).rejects.toThrow(/read-only/);
    await expect(driver.ping()).rejects.toThrow(/read-only.*primary/);
    expect(await refusal({ schema })).toMatch(/read-only.*primary/);
    await server.sql(`ALTER ROLE ${role.name} RESET default_transaction_read_only`);
    await waitFor(() => isUsable(driver));
  });

  test('many servers that start at once create the tables once', async () => {
    const schema = await server.createSchema();
    const drivers = await Promise.all(Array.from({ length: 8 }, () => openDriver({ schema })));
    await Promise.all(drivers.map((driver) => driver.ping()));
    expect(await server.sql(`SELECT version FROM ${schema}.sessapp_schema`)).toEqual([{ version: 1 }]);
  });

  test('tables that are dropped while a server runs are created again', async () => {
    const schema = await server.createSchema();
    const driver = await openDriver({ schema });
    await driver.ping();
    await server.sql(`DROP SCHEMA ${schema} CASCADE; CREATE SCHEMA ${schema} AUTHORIZATION ${role.name}`);
    await expect(driver.ping()).rejects.toThrow(/does not exist/);
    await waitFor(() => isUsable(driver));
  });

  test.each(['sessapp_sessions', 'sessapp_sessions_aside', 'sessapp_schema'])(
    'when only %s is dropped, running and starting servers create it again, and the other tables stay',
    async (table) => {
      const schema = await server.createSchema();
      const drivers = await Promise.all(Array.from({ length: 4 }, () => openDriver({ schema })));
      for (const key of ['a', 'b']) await drivers[0]?.create(key, record());
      await drivers[0]?.setAside('b');
      await server.sql(`DROP TABLE ${schema}.${table}`);
      for (const driver of [...drivers, await openDriver({ schema })]) {
        await waitFor(() => isUsable(driver));
        await waitFor(() =>
          driver
            .countSetAside?.()
            .catch(() => undefined)
            .then((count) => count !== undefined),
        );
      }
      const found = await (await openDriver({ schema })).read('a');
      const aside = await drivers[0]?.countSetAside?.();
      expect([found === undefined, aside]).toEqual([
        table === 'sessapp_sessions',
        table === 'sessapp_sessions_aside' ? 0 : 1,
      ]);
    },
  );

  test('tables of a newer sessapp are refused and not changed', async () => {
    const schema = await server.createSchema();
    await (await openDriver({ schema })).ping();
    await server.sql(`INSERT INTO ${schema}.sessapp_schema (version) VALUES (7)`);
    expect(await refusal({ schema })).toMatch(/version 7, and this sessapp supports 1.*sessapp upgrade/);
  });

  async function createLimitedRole(name: string): Promise<void> {
    await server.sql(`CREATE ROLE "${name}" LOGIN PASSWORD '${role.password}'`);
  }

  test.each([
    ['is missing', 'DROP SCHEMA IF EXISTS closed1'],
    ['belongs to another role', 'CREATE SCHEMA closed2'],
    ['may only be used', 'CREATE SCHEMA closed3; GRANT USAGE ON SCHEMA closed3 TO "limited 3"'],
  ])('a role whose schema %s gets the commands to run, and they suffice', async (_, prepare) => {
    const schema = /closed./.exec(prepare)?.[0] ?? '';
    const user = `limited ${schema.at(-1)}`;
    await createLimitedRole(user);
    await server.sql(prepare);
    const options = { schema, user: encodeURIComponent(user) };
    const [, remedy = ''] = /may not make the tables.*run: (.*); or, in that schema/.exec(await refusal(options)) ?? [];
    await server.sql(remedy);
    await (await openDriver(options)).ping();
  });

  test('the owner of the database can create the tables for a role that may only use them', async () => {
    await createLimitedRole('user only');
    const { schema, user } = { schema: await server.createSchema(), user: 'user%20only' };
    const [, file = '', remedy = ''] =
      /or, in that schema, (\/\S+\.sql) and then: (.*)$/.exec(await refusal({ schema, user })) ?? [];
    const sql = await readFile(file, 'utf8');
    const reading = `GRANT USAGE ON SCHEMA ${schema} TO "user only"; GRANT SELECT ON ALL TABLES IN SCHEMA ${schema} TO "user only"`;
    await server.sql(`SET search_path = ${schema}; ${sql}; ${reading}`);
    expect(await refusal({ schema, user })).toContain(
      `may not use the tables for sessions; ask the owner of the database to run: ${remedy}`,
    );
    await server.sql(remedy);
    await (await openDriver({ schema, user })).ping();
  });

  test('a server with default settings has no warning; each setting that can lose sessions has one', async () => {
    const schema = await server.createSchema();
    const driver = await openDriver({ schema });
    expect(await driver.warnings?.()).toEqual([]);
    await server.alterSystem('fsync', 'off');
    await server.alterSystem('full_page_writes', 'off');
    await server.alterRole('synchronous_commit', 'off');
    await server.sql(`ALTER TABLE ${schema}.sessapp_sessions SET UNLOGGED`);
    expect(await (await openDriver({ schema })).warnings?.()).toEqual([
      expect.stringMatching(/^fsync is off/),
      expect.stringMatching(/^full_page_writes is off/),
      expect.stringMatching(/^synchronous_commit is off/),
      expect.stringMatching(/unlogged/),
    ]);
  });

  test.each([
    ['PGOPTIONS', '-c search_path=nowhere'],
    ['PGOPTIONS', '-c default_transaction_read_only=on'],
    ['PGSSLNEGOTIATION', 'direct'],
    ['PGSSLNEGOTIATION', 'nonsense'],
    ['PGSSLMODE', 'verify-full'],
    ['PGBINARY', '1'],
    ['PGREPLICATION', 'database'],
    ['PGCLIENT_ENCODING', 'latin1'],
    ['PGUSER', 'nobody'],
    ['PGPASSWORD', 'nothing'],
    ['PGHOST', 'nowhere.invalid'],
    ['PGDATABASE', 'none'],
    ['PGPORT', '1'],
    ['PGCONNECT_TIMEOUT', '1'],
  ])('the environment variable %s=%s does not affect the store', async (name, value) => {
    vi.stubEnv(name, value);
    onTestFinished(() => void vi.unstubAllEnvs());
    const driver = await openDriver();
    const stored = record({ data: '{"name":"김"}', owner: '홍길동' });
    await driver.create(name + value, stored);
    expect(await driver.read(name + value)).toMatchObject(stored);
  });

  test('without a user in STORE_URL, PGUSER is not used', () => {
    vi.stubEnv('PGUSER', 'somebody');
    onTestFinished(() => void vi.unstubAllEnvs());
    expect(readAddress('postgres://h/db').config.user).not.toBe('somebody');
  });

  const missingTls = whyMissing('openssl');
  test.skipIf(missingTls)(`TLS follows sslmode${missingTls ? `: ${missingTls}` : ''}`, async () => {
    const authority = await serveWithTls(server);
    const isEncrypted = async (query: string): Promise<boolean> => {
      await (await openDriver({ query })).ping();
      const found = await server.sql<{ ssl: boolean }>(
        "SELECT ssl FROM pg_stat_activity JOIN pg_stat_ssl USING (pid) WHERE application_name = 'sessapp' ORDER BY backend_start DESC LIMIT 1",
      );
      return found[0]?.ssl ?? false;
    };
    expect(await isEncrypted('')).toBe(false);
    expect(await isEncrypted('sslmode=disable')).toBe(false);
    expect(await isEncrypted('sslmode=prefer')).toBe(true);
    expect(await isEncrypted('sslmode=require&channel_binding=require')).toBe(true);
    expect(await isEncrypted(`sslmode=verify-ca&sslrootcert=${authority}`)).toBe(true);
    expect(await refusal({ query: 'sslmode=verify-full' })).toMatch(/certificate is not trusted.*sslrootcert/);
    expect(await refusal({ query: `sslmode=verify-full&sslrootcert=${authority}` })).toMatch(/for another host/);
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    onTestFinished(() => void vi.unstubAllEnvs());
    expect(await refusal({ query: 'sslmode=verify-full' })).toMatch(/certificate is not trusted.*sslrootcert/);
  });
});

function isUsable(driver: Driver): Promise<boolean> {
  return driver.ping().then(
    () => true,
    () => false,
  );
}

/** Gives the server a self-signed certificate for another host, and returns its file. */
async function serveWithTls(server: Postgres): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'sessapp-tls-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const [key, certificate] = [join(directory, 'key.pem'), join(directory, 'certificate.pem')];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const subject = ['-subj', '/CN=db.example', '-addext', 'subjectAltName=DNS:db.example'];
  const args = ['req', '-x509', ...curve, ...subject, '-keyout', key, '-out', certificate];
  execFileSync('openssl', args, { stdio: 'ignore' });
  await server.serveTls(await readFile(key, 'utf8'), await readFile(certificate, 'utf8'));
  return certificate;
}
