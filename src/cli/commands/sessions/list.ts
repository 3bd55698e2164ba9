import { UsageError } from '../../../errors.ts';
import { toJson, toLine } from '../../admin/describe.ts';
import { renderTable } from '../../admin/list-table.ts';
import { ownerOption, readOwner } from '../../admin/owner.ts';
import type { SessionQuery, SessionSummary } from '../../admin/session-summary.ts';
import { withStore } from '../../admin/store.ts';
import { type Context, flag, type Input, text } from '../../command.ts';
import { parseDuration } from '../../durations.ts';
import { promptOf } from '../../environment/find.ts';
import { onEnvironment } from '../on-environment.ts';

type Sessions = AsyncIterable<SessionSummary>;

const defaultColumns = 80;

export const command = onEnvironment({
  summary: 'list live sessions, soonest to expire first',
  examples: ['sessapp sessions list --user ann', 'sessapp sessions list myenv --older-than 7d --limit 20'],
  notes: ['The sessions of one user are listed in the order of their references.'],
  options: [
    ownerOption,
    ['--older-than <duration>', 'list only sessions last seen longer ago than this: 90m, 12h, 7d'],
    ['--limit <number>', 'list at most this many'],
    ['--ndjson', 'print one JSON document per line, for any number of sessions'],
  ],
  verify(input, { system, output }) {
    if (flag(input, 'ndjson') && output.json)
      throw new UsageError('--json and --ndjson cannot be combined.', 'Leave one of them out.');
    readQuery(input, system.now());
  },
  async run(work) {
    const { input, system, output, environment } = work;
    const query = readQuery(input, system.now());
    return withStore(system, environment, async (store) => {
      const sessions = store.list(query);
      if (output.json) return { data: { sessions: await collect(sessions, toJson) } };
      const isNdjson = flag(input, 'ndjson');
      const count = await output.lines(isNdjson ? map(sessions, toJson) : toLines(work, sessions));
      if (count === 0 && !isNdjson)
        output.note(`${promptOf(environment)} has no ${isFiltered(query) ? 'such ' : ''}sessions.`);
      return {};
    });
  },
});

function readQuery(input: Input, nowMs: number): SessionQuery {
  const owner = readOwner(input);
  const olderThan = text(input, 'olderThan');
  const limit = text(input, 'limit');
  if (limit !== undefined && !/^[1-9]\d{0,9}$/.test(limit))
    throw new UsageError(`'${limit}' is not a valid number of sessions.`, 'Use a number of at least 1.');
  return {
    liveAtMs: nowMs,
    ...(owner !== undefined && { owner }),
    ...(olderThan !== undefined && { seenBeforeMs: nowMs - parseDuration(olderThan) }),
    ...(limit !== undefined && { limit: Number(limit) }),
  };
}

function isFiltered({ owner, seenBeforeMs }: SessionQuery): boolean {
  return owner !== undefined || seenBeforeMs !== undefined;
}

/** A table for a terminal, else plain lines for a program. */
function toLines({ system, output }: Context, sessions: Sessions): AsyncIterable<string> {
  const { isTTY, columns } = system.stdout;
  if (!isTTY) return map(sessions, toLine);
  return renderTable(sessions, { columns: columns || defaultColumns, nowMs: system.now(), style: output.style });
}

async function* map<T>(sessions: Sessions, render: (session: SessionSummary) => T): AsyncGenerator<T> {
  for await (const session of sessions) yield render(session);
}

async function collect<T>(sessions: Sessions, render: (session: SessionSummary) => T): Promise<T[]> {
  const found: T[] = [];
  for await (const session of sessions) found.push(render(session));
  return found;
}
