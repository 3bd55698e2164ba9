import { renderSize } from '../amounts.ts';
import { cut, toWidth } from '../columns.ts';
import { renderDistance } from '../durations.ts';
import type { SessionSummary } from './store-calls.ts';
import type { Style } from '../output.ts';
import { visible } from '../visible.ts';

type Cells = [ref: string, owner: string, created: string, seen: string, expires: string, size: string];

interface Look {
  /** Of the terminal. */
  columns: number;
  nowMs: number;
  style: Style;
}

const header: Cells = ['REF', 'OWNER', 'CREATED', 'LAST SEEN', 'EXPIRES', 'SIZE'];
const gap = '  ';
const refWidth = 8;
const timeWidth = 9;
const sizeWidth = 8;
const leastOwnerWidth = 8;

/** A table of which no line is wider than the terminal; line by line, as it may be long. */
export async function* renderTable(
  sessions: AsyncIterable<SessionSummary>,
  refOf: (key: string) => string,
  { columns, nowMs, style }: Look,
): AsyncGenerator<string> {
  yield style.bold(renderLine(header, columns));
  for await (const session of sessions) yield renderLine(toCells(session, refOf(session.key), nowMs), columns);
}

function toCells(session: SessionSummary, ref: string, nowMs: number): Cells {
  const { owner = '-', createdAtMs, seenAtMs, expiresAtMs, bytes } = session;
  if (createdAtMs === undefined || seenAtMs === undefined || expiresAtMs === undefined)
    return [ref, '(damaged)', '-', '-', '-', renderSize(bytes)];
  const [created, seen, expires] = [createdAtMs, seenAtMs, expiresAtMs].map((ms) => renderDistance(ms, nowMs));
  return [ref, visible(owner), created ?? '', seen ?? '', expires ?? '', renderSize(bytes)];
}

/** The owner has what the others leave; what does not fit at all is cut off at the right. */
function renderLine([ref, owner, created, seen, expires, size]: Cells, columns: number): string {
  const first = ref.padEnd(refWidth);
  const times = [created, seen, expires].map((time) => toWidth(time, timeWidth));
  const last = size.padStart(sizeWidth);
  const others = [first, ...times, last].join(gap).length + gap.length;
  const cells = [first, toWidth(owner, Math.max(leastOwnerWidth, columns - others)), ...times, last];
  return cut(cells.join(gap), columns);
}
