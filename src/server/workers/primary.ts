import cluster from 'node:cluster';
import { createServer } from 'node:http';
import type { Logger } from 'pino';
import { UserError } from '../../errors.ts';
import { readSettings, type Settings } from '../../settings/settings.ts';
import { endsWithTerminal } from '../../terminal.ts';
import { listen } from '../listen.ts';
import { boundLogFile } from '../log-file.ts';
import { createLogger } from '../logging.ts';
import type { Failure, Listening } from '../messages.ts';
import { publishCounts } from '../metrics/report.ts';
import { disconnectParent, onParentGone, tellParent } from '../parent.ts';
import { stopWhenRemoved } from '../removal.ts';
import { reportListening } from '../report.ts';
import { StateFile } from '../state-file.ts';
import { retireTimeouts } from '../traffic.ts';
import { type Reloads, type WorkersState, workersFile } from './report.ts';
import { Workers } from './workers.ts';

/** How many times to choose a free port: another program can take a port before the workers listen on it. */
const attempts = 10;

/** True in the primary process. It starts and replaces workers, which run the same program, and serves no requests. */
export function isPrimary({ workers }: Settings): boolean {
  return workers !== undefined && cluster.isPrimary;
}

/**
 * Runs the server's workers until a signal stops it. SIGHUP replaces the workers one by one. With a terminal, SIGHUP stops
 * the server, because a terminal sends it on closing. The primary never opens the store.
 * @throws UserError with the worker's reason when no worker listens
 */
export async function runPrimary(directory: string, settings: Settings): Promise<void> {
  // The primary accepts connections. If a worker no longer accepts one, the primary gives it to the next worker.
  cluster.schedulingPolicy = cluster.SCHED_RR;
  const primary = new Primary(directory, settings);
  const stop = (): void => void primary.stop();
  const reload = (): void => void primary.reload();
  process.on('SIGTERM', stop).on('SIGINT', stop);
  process.on('SIGHUP', endsWithTerminal() ? stop : reload);
  onParentGone(stop);
  await primary.start();
}

class Primary {
  readonly #directory: string;
  readonly #settings: Settings;
  readonly #log: Logger;
  readonly #report: StateFile<Omit<WorkersState, 'pid'>>;
  #stopCounting = async (): Promise<void> => undefined;
  readonly #workers: Workers;
  #reloads: Reloads = { started: 0, ended: 0, replaced: 0 };
  #isReloadDue = false;
  #isListening = false;
  #isStopping = false;

  constructor(directory: string, settings: Settings) {
    this.#directory = directory;
    this.#settings = settings;
    this.#log = createLogger(settings);
    this.#report = new StateFile(workersFile, directory, this.#log);
    this.#workers = new Workers(this.#log, retireTimeouts(settings.keepAliveMs), () => void this.#reportState());
  }

  async start(): Promise<void> {
    this.#stopCounting = await publishCounts(this.#directory, this.#settings, () => this.#workers.counts, this.#log);
    const listening = await this.#listen();
    if (!listening) return;
    this.#isListening = true;
    await this.#reportState();
    stopWhenRemoved(this.#directory, this.#log);
    boundLogFile(this.#directory, this.#log);
    await reportListening(listening.url, this.#settings, this.#log);
  }

  /** Replaces all workers. Calls during a reload are combined into one reload after it. */
  async reload(): Promise<void> {
    const isReloading = this.#reloads.started > this.#reloads.ended;
    // Before the first workers listen, no reload is needed.
    this.#isReloadDue = this.#isListening;
    while (this.#isReloadDue && !isReloading && !this.#isStopping) {
      this.#isReloadDue = false;
      await this.#reloadOnce();
    }
  }

  async stop(): Promise<void> {
    const isFirst = !this.#isStopping;
    this.#isStopping = true;
    const drained = await this.#workers.stop();
    if (!isFirst) return;
    process.exitCode = drained ? 0 : 1;
    await Promise.all([this.#stopCounting(), this.#report.remove()]);
    if (drained) await tellParent({ event: 'drained' });
    disconnectParent();
  }

  /** @returns undefined when the server is stopped before it listens */
  async #listen(): Promise<Listening | undefined> {
    const { host, port, workers: count = 1 } = this.#settings;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#workers.start(count, { HOST: host, PORT: await choosePort(this.#settings) });
      } catch (error) {
        if (this.#isStopping) return undefined;
        const isTaken = port === 0 && error instanceof UserError && error.code === 'port-in-use';
        if (!isTaken || attempt === attempts) throw error;
      }
    }
  }

  async #reloadOnce(): Promise<void> {
    const reloads: Reloads = { ...this.#reloads, started: this.#reloads.started + 1, replaced: 0 };
    delete reloads.failure;
    this.#reloads = reloads;
    await this.#reportState();
    try {
      const settings = await readSettings(this.#directory, process.env);
      this.#compareAddress(settings);
      await this.#workers.renew(settings.workers ?? 1, () => {
        reloads.replaced += 1;
        void this.#reportState();
      });
      this.#log.info(`reloaded: all workers were replaced (${this.#workers.count})`);
    } catch (error) {
      if (!this.#isStopping) reloads.failure = this.#explain(error);
    }
    reloads.ended = reloads.started;
    await this.#reportState();
  }

  #compareAddress({ host, port }: Settings): void {
    if (host === this.#settings.host && port === this.#settings.port) return;
    this.#log.warn('HOST or PORT has changed: stop and start the server to apply it');
  }

  #explain(error: unknown): Failure {
    const expected = error instanceof UserError;
    const message = expected ? error.message : String(error);
    this.#log.error(expected ? {} : { err: error }, `not reloaded, the current workers keep running: ${message}`);
    const { code, hint } = expected ? error : { code: 'server-failed', hint: 'See its output above.' };
    return { code, message, hint };
  }

  async #reportState(): Promise<void> {
    const { count: workers, ready } = this.#workers;
    if (!this.#isStopping) await this.#report.write({ workers, ready, reloads: this.#reloads });
  }
}

// The primary chooses the port: with port 0, each worker would listen on another port.
async function choosePort(settings: Settings): Promise<string> {
  if (settings.port !== 0) return String(settings.port);
  const { servers, url } = await listen(createServer, settings);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return new URL(url).port;
}
