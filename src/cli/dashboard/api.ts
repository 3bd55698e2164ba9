import { UserError } from '../../errors.ts';
import type { System } from '../../system.ts';
import { toDetailJson, toJson } from '../admin/describe.ts';
import { endSessions } from '../admin/end-sessions.ts';
import { findSession, readSession } from '../admin/session-ref.ts';
import type { SessionSummary } from '../admin/session-summary.ts';
import { readValues } from '../admin/session-values.ts';
import type { Store } from '../admin/store.ts';
import type { Environment } from '../environment/find.ts';
import { readSecretList } from '../secrets/secret-summary.ts';
import { countUses, toJson as secretToJson } from '../secrets/secret-uses.ts';
import { toVisibleJson, visible } from '../visible.ts';
import { findSessions } from './find-sessions.ts';
import type { KeptStore } from './kept-store.ts';
import { readOverview, readServer } from './overview.ts';
import type { Sampler } from './sampler.ts';

/** What the dashboard works with. */
export interface Dashboard {
  system: System;
  environment: Environment;
  store: KeptStore;
  sampler: Sampler;
  /** It ends no session. */
  isReadOnly: boolean;
  /** Details of a session have its values. */
  showsValues: boolean;
  /** Aborted when the command is to end. */
  signal: AbortSignal;
}

interface Call {
  dashboard: Dashboard;
  params: URLSearchParams;
  body: Record<string, unknown>;
  /** Aborted when the client has gone away. */
  signal: AbortSignal;
}

/** What the page asks for, by method and path. */
export const calls: Record<string, (call: Call) => Promise<object>> = {
  'GET /api/state': ({ dashboard }) => readState(dashboard),
  'GET /api/sessions': ({ dashboard, params, signal }) =>
    dashboard.store.use(async (store) => {
      const [text, page, nowMs] = [params.get('search') ?? '', Number(params.get('page')), dashboard.system.now()];
      if (!Number.isSafeInteger(page) || page < 0) throw new UserError('bad-page', 'There is no such page.');
      const found = await findSessions(store, { text: text.trim(), page, nowMs, signal });
      return { sessions: found.sessions.map(toRow), hasMore: found.hasMore, nowMs };
    }),
  'GET /api/session': ({ dashboard, params }) =>
    dashboard.store.use(async (store) => {
      const session = await readSession(store, params.get('ref') ?? '', dashboard.system.now());
      const values = readValues(session);
      return {
        ...toRow(session),
        ...toDetailJson(session, values, false),
        keys: Object.keys(values ?? {}).map(visible),
        ...(dashboard.showsValues && values && { values: Object.entries(values).map(toVisiblePair) }),
      };
    }),
  'GET /api/count': ({ dashboard, params, signal }) =>
    dashboard.store.use(async (store) => ({
      count: await countOf(store, params.get('owner') ?? '', dashboard, signal),
    })),
  'POST /api/end': async ({ dashboard, body }) => {
    if (dashboard.isReadOnly)
      throw new UserError('read-only', 'This dashboard ends no session.', 'Start it without --read-only.');
    return dashboard.store.use(async (store) => ({ ended: await end(store, body, dashboard) }));
  },
};

async function readState(dashboard: Dashboard): Promise<object> {
  const { system, environment, sampler, isReadOnly, showsValues } = dashboard;
  const [overview, server, list] = await Promise.all([
    readOverview(environment),
    readServer(environment),
    readSecretList(system, environment),
  ]);
  const { tally, countedAtMs, pingMs, failure } = sampler.state;
  const { secrets, ...sessions } = countUses(list.secrets, tally?.bySecretId ?? {});
  return {
    ...overview,
    isReadOnly,
    showsValues,
    server: server ?? null,
    secretUses: { secrets: secrets.map(secretToJson), ...sessions },
    counts: tally === undefined ? null : withoutSecrets(tally),
    countedAtMs: countedAtMs ?? null,
    pingMs: pingMs ?? null,
    failure: failure ?? null,
    samples: sampler.samples,
  };
}

function withoutSecrets<T extends { bySecretId: unknown }>({ bySecretId: _, ...counts }: T): Omit<T, 'bySecretId'> {
  return counts;
}

function toRow(session: SessionSummary): object {
  return { ...toJson(session), label: visible(session.owner ?? ''), secret: visible(session.keyId ?? '') };
}

function toVisiblePair([key, value]: [string, unknown]): [string, string] {
  return [visible(key), toVisibleJson(value)];
}

async function countOf(store: Store, owner: string, { system }: Dashboard, signal: AbortSignal): Promise<number> {
  let count = 0;
  for await (const _ of store.list({ owner, liveAtMs: system.now() })) {
    if (signal.aborted) break;
    count += 1;
  }
  return count;
}

/** @returns how many sessions were ended */
async function end(store: Store, { ref, owner, all }: Call['body'], { system, signal }: Dashboard): Promise<number> {
  const nowMs = system.now();
  if (typeof ref === 'string') {
    const { key } = await findSession(store, ref, nowMs);
    await store.delete(key);
    return 1;
  }
  if (typeof owner === 'string') return endSessions(store, owner, nowMs, signal);
  if (all === true) return endSessions(store, undefined, nowMs, signal);
  throw new UserError('bad-request', 'The request does not say which sessions.');
}
