import { expect, test } from 'vitest';
import { endSessions } from '../../../src/cli/admin/end-sessions.ts';
import type { SessionQuery, SessionSummary } from '../../../src/cli/admin/session-summary.ts';
import type { Store } from '../../../src/cli/admin/store.ts';
import { UserError } from '../../../src/errors.ts';

/** A store of which only these two calls are used; `onDelete` may change it. */
function createStore(keys: Set<string>, onDelete: () => void) {
  const queries: SessionQuery[] = [];
  async function* list(query: SessionQuery): AsyncGenerator<SessionSummary> {
    queries.push(query);
    for (const key of [...keys]) yield { key, bytes: 0, expiresAtMs: 2 };
  }
  const remove = async (...ended: string[]): Promise<void> => {
    for (const key of ended) keys.delete(key);
    onDelete();
  };
  return { queries, store: { list, delete: remove } as unknown as Store };
}

const { signal } = new AbortController();

test('sessions of the owner that are made meanwhile are ended too', async () => {
  const keys = new Set(['a', 'b']);
  let made = 0;
  const { store, queries } = createStore(keys, () => {
    made += 1;
    if (made <= 20) keys.add(`made ${made}`);
  });
  expect(await endSessions(store, 'ann', 1, signal)).toBe(22);
  expect(keys.size).toBe(0);
  expect(queries[0]).toEqual({ owner: 'ann' });
});

test('of all sessions those made meanwhile are ended too, but not for ever', async () => {
  const keys = new Set(['a']);
  let made = 0;
  const { store } = createStore(keys, () => {
    made += 1;
    keys.add(`made ${made}`);
  });
  expect(await endSessions(store, undefined, 1, signal)).toBe(10);
  expect([...keys]).toEqual(['made 10']);
});

test('a failure says how far it came', async () => {
  const keys = new Set(Array.from({ length: 600 }, (_, n) => `k${n}`));
  const { store } = createStore(keys, () => {
    if (keys.size === 0) throw new UserError('store-unavailable', 'The store cannot be used: x.', 'hint');
  });
  await expect(endSessions(store, undefined, 1, signal)).rejects.toMatchObject({
    code: 'store-unavailable',
    message: 'The store cannot be used: x. 500 sessions were ended before.',
    hint: 'hint',
  });
});
