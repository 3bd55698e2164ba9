import type { Failure } from '../messages.ts';

/** In `data/`. */
export const workersFile = 'workers.json';

/** How the replacement of all workers went, and how many there have been. */
export interface Reloads {
  started: number;
  ended: number;
  /** Of the last one: how many workers it has replaced, and why not all. */
  replaced: number;
  failure?: Failure;
}

/** What `sessapp status` and `sessapp reload` read of the workers. */
export interface WorkersState {
  /** The process that starts and replaces them. */
  pid: number;
  /** How many workers there are to be, and how many answer. */
  workers: number;
  ready: number;
  reloads: Reloads;
}
