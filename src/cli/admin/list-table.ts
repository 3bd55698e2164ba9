import { renderSize } from '../amounts.ts';
import { cut, toWidth } from '../columns.ts';
import { renderDistance } from '../durations.ts';
import type { Style } from '../output.ts';
import { visible } from '../visible.ts';
import { renderShortRef, shortRefLength } from './session-ref.ts';
import type { SessionSummary } from './session-summary.ts';

type Cells = [ref: string, owner: string, created: string, seen: string, expires: string, size: string];

interface Look {
  /** The width of the terminal. */
  columns: number;
  nowMs: number;
  style: Style;
}

const header: Cells = ['REF', 'OWNER', 'CREATED', 'LAST SEEN', 'EXPIRES', 'SIZE'];
const gap = '  ';
const timeWidth = 9;
const sizeWidth = 8;
const leastOwnerWidth = 8;

/** Yields the lines of a table that fits the terminal. Without sessions there is no header either. */
export async function* renderTable(
  sessions: AsyncIterable<SessionSummary>,
  { columns, nowMs, style }: Look,
): AsyncGenerator<string> {
  let hasHeader = false;
  for await (const session of sessions) {
    if (!hasHeader) yield style.bold(renderLine(header, columns));
    hasHeader = true;
    yield renderLine(toCells(session, nowMs), columns);
  }
}

function toCells(session: SessionSummary, nowMs: number): Cells {
  const { key, owner = '-', createdAtMs, seenAtMs, expiresAtMs, bytes } = session;
  const ref = renderShortRef(key);
  if (createdAtMs === undefined || seenAtMs === undefined || expiresAtMs === undefined)
    return [ref, '(damaged)', '-', '-', '-', renderSize(bytes)];
  const [created, seen, expires] = [createdAtMs, seenAtMs, expiresAtMs].map((ms) => renderDistance(ms, nowMs));
  return [ref, visible(owner), created ?? '', seen ?? '', expires ?? '', renderSize(bytes)];
}

/** The owner column gets the remaining width. A line that still does not fit is cut off at the right. */
function renderLine([ref, owner, created, seen, expires, size]: Cells, columns: number): string {
  const first = ref.padEnd(shortRefLength);
  const times = [created, seen, expires].map((time) => toWidth(time, timeWidth));
  const last = size.padStart(sizeWidth);
  const others = [first, ...times, last].join(gap).length + gap.length;
  const cells = [first, toWidth(owner, Math.max(leastOwnerWidth, columns - others)), ...times, last];
  return cut(cells.join(gap), columns);
}
