import { expect, test } from 'vitest';
import { endSessions } from '../../../src/cli/admin/end-sessions.ts';
import type { SessionQuery, SessionSummary } from '../../../src/cli/admin/session-summary.ts';
import type { Store } from '../../../src/cli/admin/store.ts';
import { UserError } from '../../../src/errors.ts';

/** A store with only these two methods; `onDelete` may change it. */
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

test('sessions that the owner starts in the meantime are ended too', async () => {
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

test('ending all sessions also ends new ones, but stops after ten rounds', async () => {
  const keys = new Set(['a']);
  let made = 0;
  const { store } = createStore(keys, () => {
    made += 1;
    keys.add(`made ${made}`);
  });
  expect(await endSessions(store, undefined, 1, signal)).toBe(10);
  expect([...keys]).toEqual(['made 10']);
});

test('an error says how many sessions were ended before', async () => {
  const keys = new Set(Array.from({ length: 600 }, (_, n) => `k${n}`));
  const { store } = createStore(keys, () => {
    if (keys.size === 0) throw new UserError('store-unavailable', 'The store cannot be used: x.', 'hint');
  });
  await expect(endSessions(store, undefined, 1, signal)).rejects.toMatchObject({
    code: 'store-unavailable',
    message: 'The store cannot be used: x. Before that, 500 sessions were ended.',
    hint: 'hint',
  });
});
