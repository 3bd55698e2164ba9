import { setTimeout as wait } from 'node:timers/promises';
import { addRoutes, request } from './server.ts';

/** The routes that visitors use. */
export function addVisitorRoutes(environment: string): Promise<void> {
  return addRoutes(
    environment,
    `
    app.get('/login', (req, res) => { req.session.username = req.query.name; req.session.n = 0; res.send('in'); });
    app.get('/count', (req, res) => {
      if (!req.session.username) return res.send('nobody');
      req.session.n += 1;
      res.send(req.session.username + ' ' + req.session.n);
    });
    app.get('/who', (req, res) => res.send(String(req.session.username) + ' ' + req.session.n));
    app.get('/logout', (req, res, next) => req.session.destroy((error) => (error ? next(error) : res.send('out'))));
    `,
  );
}

/** A user who counts in a session, and remembers the acknowledged count. */
export class Visitor {
  readonly name: string;
  /** The count in the last response. */
  count = 0;
  #cookie = '';

  constructor(name: string) {
    this.name = name;
  }

  async login(url: string): Promise<this> {
    const { status, cookie } = await request(`${url}/login?name=${this.name}`);
    if (status !== 200) throw new Error(`${this.name} could not log in: ${status}`);
    this.#cookie = cookie;
    return this;
  }

  ask(url: string, path: string): Promise<{ status: number; body: string }> {
    return request(url + path, { Cookie: this.#cookie });
  }
}

export interface Visits {
  /** The unexpected responses. */
  failures: string[];
  /** The visitors whose logout was acknowledged. */
  gone: Visitor[];
  present: Visitor[];
  stop(): Promise<void>;
}

/** Visitors who count continuously. From time to time one logs out, and a new one logs in. */
export function startVisits(getUrl: () => string, visitors: Visitor[]): Visits {
  const visits = { failures: [] as string[], gone: [] as Visitor[], present: [...visitors] };
  let isOver = false;
  let made = 0;
  const expectResponse = async (visitor: Visitor, path: string, expected: string): Promise<boolean> => {
    const response = await visitor.ask(getUrl(), path).catch((error: unknown) => ({ status: 0, body: String(error) }));
    if (response.status === 200 && response.body === expected) return true;
    visits.failures.push(`${visitor.name} ${path}: ${response.status} ${response.body}, not ${expected}`);
    return false;
  };
  const visit = async (place: number): Promise<void> => {
    for (let turn = 1; !isOver; turn += 1) {
      const visitor = visits.present[place] as Visitor;
      if (await expectResponse(visitor, '/count', `${visitor.name} ${visitor.count + 1}`)) visitor.count += 1;
      if (turn % 25 === 0 && (await expectResponse(visitor, '/logout', 'out'))) {
        made += 1;
        visits.gone.push(visitor);
        visits.present[place] = await new Visitor(`new${made}`).login(getUrl());
      }
      await wait(20);
    }
  };
  const running = visitors.map((_, place) => visit(place));
  return {
    ...visits,
    async stop() {
      isOver = true;
      await Promise.all(running);
    },
  };
}
