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

/** Each part has a description, notes on what is not comparable, and a function that runs it. A part takes less than 5 minutes, `existing` takes 15. */
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
