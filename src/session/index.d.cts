// The types of `require('sessapp/session')`.
import type * as library from './index.js' with { 'resolution-mode': 'import' };

declare function session(given?: library.SessionOptions): library.Middleware;

declare namespace session {
  export const adoptSessions: typeof library.adoptSessions;
  export const Cookie: typeof library.Cookie;
  export const MemoryStore: typeof library.MemoryStore;
  export const Session: typeof library.Session;
  export const Store: typeof library.Store;
  export { session, session as default };

  export type Adoption = library.Adoption;
  export type AnyStore = library.AnyStore;
  export type Cookie = library.Cookie;
  export type CookieOptions = library.CookieOptions;
  export type Driver = library.Driver;
  export type Limits = library.Limits;
  export type Log = library.Log;
  export type MemoryStore = library.MemoryStore;
  export type Middleware = library.Middleware;
  export type Session = library.Session;
  export type SessionData = library.SessionData;
  export type SessionOptions = library.SessionOptions;
  export type SessionSummary = library.SessionSummary;
  export type Store = library.Store;
}

export = session;
