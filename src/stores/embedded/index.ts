import { resolve } from 'node:path';
import type { Driver } from '../driver.ts';
import { openEmbedded } from '../open-driver.ts';
import { findTextFault, verifyOptions } from '../options.ts';
import { verifyPeer } from '../peer.ts';
import { openLater } from '../wrap.ts';
import { openShared } from './shared.ts';

export { type Database, type DatabaseOptions, type KeyRange, openDatabase, type Table } from './database.ts';

export interface EmbeddedOptions {
  /** The directory of the store's files, relative to the working directory. It is created if it is missing. */
  directory: string;
}

/**
 * A store in one LMDB file that any number of processes on one machine may share. The first call opens it. The directory must
 * not be on a network file system.
 * @throws TypeError when an option is not valid, or Error when the package `lmdb` is missing or too old
 */
export function embedded(options: EmbeddedOptions): Driver {
  verifyPeer('the embedded store', 'lmdb');
  verifyOptions(options, "embedded({ directory: 'data/sessions' })", { directory: findTextFault });
  const path = resolve(options.directory);
  return openLater(() => openShared(path, openEmbedded));
}
