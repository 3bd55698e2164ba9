import type { Failure } from '../messages.ts';

/** The file in `data/` with the state of the workers. */
export const workersFile = 'workers.json';

/** How many reloads there were, and the result of the last one. */
export interface Reloads {
  started: number;
  ended: number;
  /** Of the last reload: how many workers it has replaced, and why not all of them. */
  replaced: number;
  failure?: Failure;
}

/** The state of the workers, for `sessapp status` and `sessapp reload`. */
export interface WorkersState {
  /** The primary process. */
  pid: number;
  /** How many workers are configured, and how many serve requests. */
  workers: number;
  ready: number;
  reloads: Reloads;
}
