import express, { type NextFunction, type Request, type RequestHandler, type Response } from 'express';
import session, {
  type Cookie,
  type CookieOptions,
  MemoryStore,
  type Session,
  type SessionData,
  type SessionOptions,
  Store,
} from 'sessapp/session';

declare module 'express-session' {
  interface SessionData {
    userId: string;
    cart: { item: string; count: number }[];
  }
}

/** A custom store, as in the connect-* packages. */
class ObservedStore extends Store {
  readonly #sessions = new Map<string, string>();

  override get(sid: string, callback: (error: unknown, data?: SessionData | null) => void): void {
    const text = this.#sessions.get(sid);
    callback(null, text === undefined ? null : (JSON.parse(text) as SessionData));
  }

  override set(sid: string, data: SessionData, callback?: (error?: unknown) => void): void {
    this.#sessions.set(sid, JSON.stringify(data));
    callback?.();
  }

  override destroy(sid: string, callback?: (error?: unknown) => void): void {
    this.#sessions.delete(sid);
    callback?.();
  }
}
class CountedStore extends session.MemoryStore {}

const cookie: CookieOptions = { maxAge: 60_000, sameSite: 'lax', secure: 'auto', priority: 'high' };
const options: SessionOptions = {
  secret: ['new', 'old'],
  name: 'sid',
  store: process.env.OBSERVED ? new ObservedStore() : new MemoryStore(),
  cookie,
  genid: (req: Request) => `${req.ip}${Math.random()}`,
  resave: false,
  rolling: undefined,
  saveUninitialized: false,
  proxy: undefined,
  unset: 'destroy',
};
const other: session.SessionOptions = {
  secret: 'a',
  store: new CountedStore(),
  cookie: (req: Request) => ({ secure: req.secure }),
};
const handler: RequestHandler = session(options);
const store: session.Store = new MemoryStore();
const isStore: boolean = store instanceof session.Store && store instanceof Store;

type LoggedIn = Session & { userId: string };
const isLoggedIn = (current: session.Session & Partial<SessionData>): current is LoggedIn =>
  current.userId !== undefined;

const app = express();
app.use(handler, session(other));
app.post('/login', (req: Request, res: Response, next: NextFunction) => {
  req.session.regenerate((error: unknown) => {
    if (error) return next(error);
    req.session.userId = 'ann';
    req.session.cart = [{ item: 'book', count: 1 }];
    req.session.cookie.maxAge = 1000;
    req.session.save((failure: unknown) => (failure ? next(failure) : res.json({ id: req.sessionID, isStore })));
  });
});
app.get('/', (req, res) => {
  // @ts-expect-error not declared
  req.session.unknown = 1;
  const current: Cookie = req.session.cookie;
  const count: number | undefined = req.session.cart?.[0]?.count;
  req.sessionStore.get(req.sessionID, (_error: unknown, data?: SessionData | null) =>
    res.json({ count, user: data?.userId, isLoggedIn: isLoggedIn(req.session), path: current.path }),
  );
});
app.post('/logout', (req, res, next) => req.session.destroy((error) => (error ? next(error) : res.redirect('/'))));

export default app;
