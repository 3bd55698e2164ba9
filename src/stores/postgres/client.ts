import { Client, type ClientConfig } from 'pg';

/**
 * A client of pg that takes nothing from the variables `PG…` of the environment: only what STORE_URL says counts. What
 * has a value in the configuration is not taken from there; of these pg makes something wherever it has none.
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
