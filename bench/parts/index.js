import * as cli from './cli.js';
import * as existing from './existing.js';
import * as init from './init.js';
import * as large from './large.js';
import * as million from './million.js';
import * as created from './new.js';
import * as prune from './prune.js';
import * as reads from './reads.js';
import * as start from './start.js';
import * as stores from './stores.js';
import * as workers from './workers.js';
import * as writes from './writes.js';

/** Each takes less than five minutes, `existing` a quarter of an hour: what it measures, what is not comparable in it, and how it is run. */
export const parts = {
  reads,
  writes,
  new: created,
  large,
  existing,
  init,
  cli,
  start,
  million,
  prune,
  workers,
  stores,
};
