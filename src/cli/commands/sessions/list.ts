import { type Command, type Context, environmentOption, flag, type Input, text } from '../../command.ts';
import { parseDuration } from '../../durations.ts';
import { findEnvironment, promptOf } from '../../environment/find.ts';
import { shortRefs } from '../../admin/short-refs.ts';
import { withStore } from '../../admin/store.ts';
import type { SessionQuery, SessionSummary } from '../../admin/store-calls.ts';
import { UsageError } from '../../../errors.ts';
import { toJson } from '../../admin/describe.ts';
import { ownerOption, readOwner } from '../../admin/owner.ts';
import { toLine } from '../../admin/list-line.ts';
import { renderTable } from '../../admin/list-table.ts';

/** Starts a walk over the sessions. */
type List = () => AsyncIterable<SessionSummary>;

const defaultColumns = 80;

export const command: Command = {
  summary: 'list the sessions that live, those that expire first above',
  options: [
    environmentOption,
    ownerOption,
    ['--older-than <duration>', 'only those last seen longer ago than this: 90m, 12h, 7d'],
    ['--limit <number>', 'at most so many'],
    ['--ndjson', 'print one JSON document a line, for any number of sessions'],
  ],
  isHandedOver: true,
  async run(input, context) {
    const { system, output } = context;
    if (flag(input, 'ndjson') && output.json)
      throw new UsageError('--json and --ndjson do not go together.', 'Leave one of them out.');
    const query = readQuery(input, system.now());
    const environment = await findEnvironment(system, text(input, 'env'));
    return withStore(system, environment, async (store) => {
      const list: List = () => store.list(query);
      if (output.json) return { data: { sessions: await collect(list, toJson) } };
      if (flag(input, 'ndjson')) await output.lines(map(list, toJson));
      else if (await isEmpty(list))
        output.note(`${promptOf(environment)} has no ${isFiltered(query) ? 'such ' : ''}sessions.`);
      else await output.lines(system.stdout.isTTY ? await toTable(context, list) : map(list, toLine));
      return {};
    });
  },
};

function readQuery(input: Input, nowMs: number): SessionQuery {
  const owner = readOwner(input);
  const olderThan = text(input, 'olderThan');
  const limit = text(input, 'limit');
  if (limit !== undefined && !/^[1-9]\d{0,9}$/.test(limit))
    throw new UsageError(`'${limit}' is no number of sessions.`, 'Give a number from 1 up.');
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

async function toTable({ system, output }: Context, list: List): Promise<AsyncIterable<string>> {
  const columns = system.stdout.columns || defaultColumns;
  return renderTable(list(), await shortRefs(list), { columns, nowMs: system.now(), style: output.style });
}

async function isEmpty(list: List): Promise<boolean> {
  for await (const _ of list()) return false;
  return true;
}

async function* map<T>(list: List, render: (session: SessionSummary) => T): AsyncGenerator<T> {
  for await (const session of list()) yield render(session);
}

async function collect<T>(list: List, render: (session: SessionSummary) => T): Promise<T[]> {
  const found: T[] = [];
  for await (const session of list()) found.push(render(session));
  return found;
}
