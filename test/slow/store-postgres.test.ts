import { describe } from 'vitest';
import { open } from '../../src/stores/postgres/driver.ts';
import { describeOutage } from '../stores/outage.ts';
import { missingPostgres, Postgres } from '../support/postgres.ts';

describe.skipIf(missingPostgres)(`PostgreSQL${missingPostgres ? `: ${missingPostgres}` : ''}`, () => {
  describeOutage('postgres', async () => {
    const server = await Postgres.create();
    return {
      start: () => server.start(),
      kill: () => server.kill(),
      pause: () => server.pause(),
      resume: () => server.resume(),
      remove: () => server.remove(),
      open: () => open(server.url(), 'environment'),
    };
  });
});
