import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, chown, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client, type ClientConfig } from 'pg';
import { onTestFinished } from 'vitest';
import { waitFor } from './server.ts';
import { asServerUser, createServerDirectory, findFreePort, findProgram, whyMissing } from './server-programs.ts';

/** The role of the tested driver. */
export const role = { name: 'app', password: 'p@ss/wörd' };

/** Why PostgreSQL is not available. Undefined when it is. */
export const missingPostgres = whyMissing('initdb', 'postgres');

export interface UrlOptions {
  schema?: string;
  user?: string;
  password?: string;
  database?: string;
  port?: number;
  /** Query parameters, such as `sslmode=require`. */
  query?: string;
}

/** A PostgreSQL server for one test file, with its own directory, on a free loopback port. */
export class Postgres {
  readonly data = join(createServerDirectory('postgres'), 'data');
  readonly port: number;
  #child: ChildProcess | undefined;
  #log = '';
  #schemas = 0;

  /** Makes a server that is not running yet. */
  static async create(): Promise<Postgres> {
    const server = new Postgres(await findFreePort());
    await server.#initialize();
    return server;
  }

  private constructor(port: number) {
    this.port = port;
  }

  /** The address for the driver. */
  url({ schema, user, password, database, port, query }: UrlOptions = {}): string {
    const parameters = [query, schema && `options=${encodeURIComponent(`-c search_path=${schema}`)}`].filter(Boolean);
    const userinfo = `${user ?? role.name}:${encodeURIComponent(password ?? role.password)}`;
    const target = `127.0.0.1:${port ?? this.port}/${database ?? 'sessions'}`;
    return `postgres://${userinfo}@${target}?${parameters.join('&')}`;
  }

  /** Runs a statement as the administrator. */
  sql<T = Record<string, unknown>>(text: string, values: unknown[] = [], database = 'sessions'): Promise<T[]> {
    return this.#use({ user: 'admin', database }, async (client) => (await client.query(text, values)).rows as T[]);
  }

  /** Makes a schema for the tables of the driver. Returns its name. */
  async createSchema(): Promise<string> {
    this.#schemas += 1;
    const name = `schema${this.#schemas}`;
    await this.sql(`CREATE SCHEMA ${name} AUTHORIZATION ${role.name}`);
    return name;
  }

  /** Changes a setting for new connections of the driver, until the test ends. */
  async alterRole(setting: string, value: string): Promise<void> {
    await this.sql(`ALTER ROLE ${role.name} SET ${setting} = '${value}'`);
    onTestFinished(async () => void (await this.sql(`ALTER ROLE ${role.name} RESET ${setting}`)));
  }

  /** Changes a setting of the whole server, until the test ends. */
  async alterSystem(setting: string, value: string): Promise<void> {
    const reload = async (change: string, isDone: (now: unknown) => boolean): Promise<void> => {
      await this.sql(`ALTER SYSTEM ${change}`);
      await this.sql('SELECT pg_reload_conf()');
      await waitFor(async () => isDone((await this.sql(`SHOW ${setting}`))[0]?.[setting]));
    };
    await reload(`SET ${setting} = '${value}'`, (now) => now === value);
    onTestFinished(() => reload(`RESET ${setting}`, (now) => now !== value));
  }

  /** Enables TLS until the test ends. */
  async serveTls(key: string, certificate: string): Promise<void> {
    const { uid = -1, gid = -1 } = asServerUser();
    for (const [name, content] of Object.entries({ 'server.key': key, 'server.crt': certificate })) {
      const path = join(this.data, name);
      await writeFile(path, content, { mode: 0o600 });
      if (uid !== -1) await chown(path, uid, gid);
    }
    await this.alterSystem('ssl', 'on');
  }

  /** The value of a setting, read through this port, which may be a proxy's. */
  settingOf(name: string, port: number): Promise<string> {
    const config = { user: role.name, password: role.password, database: 'sessions', port };
    return this.#use(config, async (client) => (await client.query(`SHOW ${name}`)).rows[0][name]);
  }

  /** The query plan of a statement (EXPLAIN). */
  explain(schema: string, text: string, values: unknown[]): Promise<string> {
    return this.#use({ user: 'admin', database: 'sessions' }, async (client) => {
      await client.query(`SET search_path = ${schema}`);
      const { rows } = await client.query(`EXPLAIN ${text}`, values);
      return rows.map((row) => row['QUERY PLAN']).join('\n');
    });
  }

  /** Runs a statement in a transaction that stays open until the returned function is called or the test ends. */
  async hold(statement: string): Promise<() => Promise<void>> {
    const client = await this.#connect({ user: 'admin', database: 'sessions' });
    onTestFinished(() => client.end());
    await client.query(`BEGIN; ${statement}`);
    return () => client.query('COMMIT').then(() => undefined);
  }

  /** Terminates all connections of the driver. Returns their number. */
  async terminateConnections(): Promise<number> {
    const ended = await this.sql('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1', [
      role.name,
    ]);
    return ended.length;
  }

  /** The output of the server since it was made. */
  log(): string {
    return this.#log;
  }

  /** Starts the server. Resolves when it accepts queries. */
  async start(): Promise<void> {
    await waitFor(async () => {
      // Processes of a killed server may block the start for a moment.
      if (!this.#isRunning()) this.#spawn();
      return this.sql('SELECT 1').then(
        () => true,
        () => false,
      );
    }, 60_000);
  }

  /** Stops the server and closes its connections. */
  async stop(): Promise<void> {
    await this.#end(() => this.#child?.kill('SIGINT'));
  }

  /** Kills all processes of the server. */
  async kill(): Promise<void> {
    const pids = await this.#pids();
    await this.#end(() => {
      for (const pid of pids) signal(pid, 'SIGKILL');
    });
  }

  /** Suspends the server: it keeps its connections but does not respond. */
  async pause(): Promise<void> {
    for (const pid of await this.#pids()) signal(pid, 'SIGSTOP');
  }

  /** Resumes the server, if it was not killed. Resolves when it accepts queries, which may wait for abandoned connections. */
  async resume(): Promise<void> {
    for (const pid of (await this.#pids()).reverse()) signal(pid, 'SIGCONT');
    if (this.#isRunning()) await this.start();
  }

  /** Stops the server and removes its data. */
  async remove(): Promise<void> {
    await this.kill();
    await rm(join(this.data, '..'), { recursive: true, force: true });
  }

  async #initialize(): Promise<void> {
    const args = ['-D', this.data, '-U', 'admin', '-A', 'trust', '-E', 'UTF8', '--no-locale', '--no-sync'];
    execFileSync(findProgram('initdb'), args, { ...asServerUser(), stdio: ['ignore', 'ignore', 'inherit'] });
    const settings = [`port = ${this.port}`, "listen_addresses = '127.0.0.1'", "unix_socket_directories = ''"];
    await appendFile(join(this.data, 'postgresql.conf'), `${settings.join('\n')}\n`);
    const rules = ['host all admin 127.0.0.1/32 trust', 'host all all 127.0.0.1/32 scram-sha-256'];
    await writeFile(join(this.data, 'pg_hba.conf'), `${rules.join('\n')}\n`);
    const { name, password } = role;
    const input = `CREATE ROLE ${name} LOGIN PASSWORD '${password}'\nCREATE DATABASE sessions OWNER ${name}\n`;
    const alone = ['--single', '-D', this.data, 'postgres'];
    execFileSync(findProgram('postgres'), alone, { ...asServerUser(), input, stdio: ['pipe', 'ignore', 'ignore'] });
  }

  #spawn(): void {
    const child = spawn(findProgram('postgres'), ['-D', this.data], {
      ...asServerUser(),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.#log += text));
    const endWithTests = (): boolean => child.kill('SIGQUIT');
    process.once('exit', endWithTests);
    child.once('exit', () => process.off('exit', endWithTests));
    this.#child = child;
  }

  #isRunning(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  async #end(send: () => void): Promise<void> {
    if (!this.#child || !this.#isRunning()) return;
    const ended = once(this.#child, 'exit');
    send();
    await ended;
  }

  async #pids(): Promise<number[]> {
    const pid = this.#child?.pid;
    if (pid === undefined || !this.#isRunning()) return [];
    // On other systems, the children end with the main process.
    const children = process.platform === 'linux' ? await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8') : '';
    return [pid, ...children.split(' ').filter(Boolean).map(Number)];
  }

  async #use<T>(config: ClientConfig, work: (client: Client) => Promise<T>): Promise<T> {
    const client = await this.#connect(config);
    try {
      return await work(client);
    } finally {
      await client.end();
    }
  }

  async #connect(config: ClientConfig): Promise<Client> {
    const client = new Client({ host: '127.0.0.1', port: this.port, ssl: false, ...config });
    // An error also rejects the current statement, so ignore it here.
    client.on('error', () => undefined);
    await client.connect();
    return client;
  }
}

// A process that has ended meanwhile (ESRCH) needs no signal.
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
