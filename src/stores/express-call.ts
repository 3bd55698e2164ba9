import type { Store } from 'express-session';
import { StoreUnavailable } from './errors.ts';

type Finish<T> = (error?: unknown, value?: T) => void;

/** Calls a method that takes a callback, as those of an express-session store do. */
export function call<T>(start: (finish: Finish<T>) => unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => (error ? reject(error) : resolve(value as T)));
  });
}

/** The same for a store that says when it loses its connection: until it has it again, each call fails at once. */
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
