import { execFileSync, spawnSync } from 'node:child_process';

const ip = (...args: string[]): Buffer => execFileSync('ip', args, { stdio: ['ignore', 'pipe', 'inherit'] });

/** Why network namespaces are not available. Undefined when they are. */
export function missingNamespaces(): string | undefined {
  const name = `sx${process.pid}`;
  const made = spawnSync('ip', ['netns', 'add', name]);
  if (made.status !== 0) return 'needs iproute2, and the right to make network namespaces';
  ip('netns', 'delete', name);
  return undefined;
}

/** The network of one machine: a link to its clients, and a link to the store. */
export class Network {
  readonly name: string;
  /** The address at which clients reach the machine. */
  readonly host: string;
  /** The address at which the machine reaches servers outside its network. */
  readonly storeHost: string;
  readonly #storeLink: string;

  /** @param number distinguishes the networks */
  constructor(number: number) {
    const id = `${process.pid % 10_000}n${number}`;
    this.name = `sx${id}`;
    ip('netns', 'add', this.name);
    const subnet = `10.213.${process.pid % 250}`;
    const [clients, store] = [number * 8, number * 8 + 4];
    this.#connect(`c${id}`, `${subnet}.${clients + 1}`, `${subnet}.${clients + 2}`);
    this.#storeLink = this.#connect(`s${id}`, `${subnet}.${store + 1}`, `${subnet}.${store + 2}`);
    ip('-n', this.name, 'link', 'set', 'lo', 'up');
    this.host = `${subnet}.${clients + 2}`;
    this.storeHost = `${subnet}.${store + 1}`;
  }

  /** The prefix for commands that run in this network. */
  get prefix(): string[] {
    return ['ip', 'netns', 'exec', this.name];
  }

  cutStore(): void {
    ip('link', 'set', this.#storeLink, 'down');
  }

  healStore(): void {
    ip('link', 'set', this.#storeLink, 'up');
  }

  remove(): void {
    ip('netns', 'delete', this.name);
  }

  #connect(link: string, here: string, there: string): string {
    const inside = `${link}i`;
    ip('link', 'add', link, 'type', 'veth', 'peer', 'name', inside, 'netns', this.name);
    ip('address', 'add', `${here}/30`, 'dev', link);
    ip('link', 'set', link, 'up');
    ip('-n', this.name, 'address', 'add', `${there}/30`, 'dev', inside);
    ip('-n', this.name, 'link', 'set', inside, 'up');
    return link;
  }
}
