import { Client, type ClientConfig } from 'pg';

/**
 * A pg client that ignores the environment variables `PG…`: only the address counts. pg does not read a variable if the
 * configuration has a value. It always reads the variables for the settings below, so they are reset.
 */
export class StoreClient extends Client {
  constructor(config: ClientConfig = {}) {
    super(config);
    const { options } = config;
    const { connectionParameters } = this as unknown as { connectionParameters: object };
    Object.assign(connectionParameters, { options, replication: undefined, binary: undefined });
    Object.assign(this, { replication: undefined, binary: undefined });
  }
}
