import { renderCount } from '../amounts.ts';
import type { Output } from '../output.ts';
import type { Finding } from './check.ts';
import type { Told } from './redact.ts';

/** Each finding, and how many there are of each kind. */
export function renderFindings(findings: Told[], { style }: Pick<Output, 'style'>): string {
  const colours = { problem: style.red, note: style.yellow, ok: style.green };
  const lines = findings.flatMap(({ check, level, fact, why, remedy }) => [
    `${colours[level](level.padEnd(7))} ${style.bold(check)}: ${fact}`,
    ...[why, remedy].flatMap(toLines).map((line) => `        ${line}`),
  ]);
  return [...lines, summarize(findings)].join('\n');
}

// What to type has a line of its own.
function toLines(text: string | null): string[] {
  return text?.replace(/ (?=Type: )/, '\n').split('\n') ?? [];
}

function summarize(findings: Told[]): string {
  const count = (level: Finding['level']): number => findings.filter((finding) => finding.level === level).length;
  return `${renderCount(count('problem'), 'problem')}, ${renderCount(count('note'), 'note')}, ${count('ok')} ok.`;
}
