// What `require('sessapp/session')` gives.
import type * as library from './index.js' with { 'resolution-mode': 'import' };

declare const session: typeof library.session;

declare namespace session {
  type Adoption = library.Adoption;
  type AnyStore = library.AnyStore;
  type Cookie = library.Cookie;
  type CookieOptions = library.CookieOptions;
  type Driver = library.Driver;
  type Limits = library.Limits;
  type Log = library.Log;
  type MemoryStore = library.MemoryStore;
  type Middleware = library.Middleware;
  type Session = library.Session;
  type SessionData = library.SessionData;
  type SessionOptions = library.SessionOptions;
  type SessionSummary = library.SessionSummary;
  type Store = library.Store;
}

export = session;
