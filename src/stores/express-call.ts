import type { Store } from 'express-session';
import { StoreUnavailable } from './errors.ts';

type Finish<T> = (error?: unknown, value?: T) => void;

/** Calls a method that takes a callback, such as a method of an express-session store, and returns a promise. */
export function call<T>(start: (finish: Finish<T>) => unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => (error ? reject(error) : resolve(value as T)));
  });
}

/** Like `call`, for a store that emits 'disconnect' and 'connect': while it is disconnected, each call fails immediately. */
export function callWhileConnected(store: Partial<Store>): typeof call {
  let isConnected = true;
  store.on?.('disconnect', () => {
    isConnected = false;
  });
  store.on?.('connect', () => {
    isConnected = true;
  });
  return (start) => (isConnected ? call(start) : Promise.reject(new StoreUnavailable('the store is disconnected')));
}
