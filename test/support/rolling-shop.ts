import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'vitest';
import type { Running } from './ecosystem.ts';

interface Backend extends Running {
  requests: Set<Promise<unknown>>;
}

/** A load balancer over processes of one application. It can replace the processes one by one. */
export class Balancer {
  #backends: Backend[] = [];

  get urls(): string[] {
    return this.#backends.map(({ url }) => url);
  }

  async replaceAll(count: number, start: () => Promise<Running>): Promise<void> {
    for (let number = 0; number < count; number += 1) {
      this.#backends.push({ ...(await start()), requests: new Set() });
      if (this.#backends.length > count) await this.#remove(this.#backends.shift() as Backend);
    }
  }

  async send(path: string, cookie: string): Promise<Response> {
    const backend = this.#backends[Math.floor(Math.random() * this.#backends.length)] as Backend;
    const response = fetch(backend.url + path, { headers: cookie ? { cookie } : {}, redirect: 'manual' });
    const ended = response.then((response) => response.clone().text()).finally(() => backend.requests.delete(ended));
    backend.requests.add(ended);
    await ended;
    return response;
  }

  async #remove(backend: Backend): Promise<void> {
    await Promise.all(backend.requests);
    await backend.stop();
  }
}

/** A customer of the shop, who knows the expected content of the session. */
export class Customer {
  /** The load balancer that gets the customer's requests. */
  balancer: Balancer;
  readonly #name: string;
  readonly #expected: Record<string, unknown> = {};
  #cookie = '';
  clicks = 0;

  constructor(balancer: Balancer, name: string) {
    this.balancer = balancer;
    this.#name = name;
  }

  /** Sends requests until the shop closes. Rejects when a request fails, or the session lacks something. */
  async visit(isOpen: () => boolean): Promise<void> {
    await this.act('log in');
    while (isOpen()) {
      const chance = Math.random();
      await this.act(chance < 0.05 ? 'log out' : chance < 0.5 ? 'add' : 'look');
      await wait(50 + Math.random() * 100);
    }
  }

  async act(what: 'log in' | 'log out' | 'add' | 'look'): Promise<void> {
    this.clicks += 1;
    if (what === 'add') return this.#add(`item${this.clicks}`);
    if (what === 'look') return this.#look();
    if (what === 'log out') await this.#logOut();
    await this.#get(`/login/${this.#name}`);
    for (const item of Object.keys(this.#expected)) delete this.#expected[item];
    this.#expected.userId = this.#name;
  }

  async #add(item: string): Promise<void> {
    await this.#get(`/add/${item}`);
    this.#expected[item] = true;
  }

  async #look(): Promise<void> {
    expect(JSON.parse(await this.#get('/show')), this.#name).toEqual(this.#expected);
  }

  async #logOut(): Promise<void> {
    await this.#get('/logout');
    expect(JSON.parse(await this.#get('/show')), `${this.#name} after the logout`).toEqual({});
  }

  async #get(path: string): Promise<string> {
    const response = await this.balancer.send(path, this.#cookie);
    const text = await response.text();
    expect([response.status, text.slice(0, 200)], `${this.#name} ${path}`).toEqual([200, expect.anything()]);
    this.#cookie = response.headers.getSetCookie()[0]?.split(';')[0] ?? this.#cookie;
    return text;
  }
}
