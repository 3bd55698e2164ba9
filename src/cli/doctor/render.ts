import { renderCount } from '../amounts.ts';
import type { Output } from '../output.ts';
import type { Finding } from './check.ts';
import type { RenderedFinding } from './redact.ts';

/**
 * The findings that are not ok, and a count of each level. Problems come last, so that they do not scroll out of view.
 * @param isVerbose also show the findings that are ok
 */
export function renderFindings(
  findings: RenderedFinding[],
  isVerbose: boolean,
  { style }: Pick<Output, 'style'>,
): string {
  const colours = { problem: style.red, note: style.yellow, ok: style.green };
  const isShown = ({ level, isConsequence }: RenderedFinding): boolean =>
    isVerbose || (level !== 'ok' && !isConsequence);
  const shown = findings.filter(isShown).reverse();
  const lines = shown.flatMap(({ check, level, fact, why, remedy }) => [
    `${colours[level](level.padEnd(7))} ${style.bold(check)}: ${fact}`,
    ...[why, remedy].flatMap(toLines).map((line) => `        ${line}`),
  ]);
  return [...lines, summarize(findings)].join('\n');
}

// Commands start on a new line.
function toLines(text: string | null): string[] {
  return text?.replace(/ (?=Type: )/, '\n').split('\n') ?? [];
}

function summarize(findings: RenderedFinding[]): string {
  const own = findings.filter(({ isConsequence }) => !isConsequence);
  const count = (level: Finding['level']): number => own.filter((finding) => finding.level === level).length;
  const skipped = findings.filter(({ isConsequence }) => isConsequence).map(({ check }) => check);
  const counts = `${renderCount(count('problem'), 'problem')}, ${renderCount(count('note'), 'note')}, ${count('ok')} ok.`;
  return skipped.length === 0 ? counts : `${counts} Fix the problems to run these checks too: ${skipped.join(', ')}.`;
}
