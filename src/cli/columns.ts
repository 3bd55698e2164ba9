import { eastAsianWidth } from 'get-east-asian-width';

/** Cuts a text with `…`, or pads it with spaces, to a number of terminal columns. */
export function toWidth(text: string, columns: number): string {
  const short = cut(text, columns);
  return short + ' '.repeat(columns - widthOf(short));
}

/** Cuts a text that is longer, with `…` at the end. */
export function cut(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  let start = '';
  let left = columns - 1;
  for (const character of text) {
    left -= columnsOf(character);
    if (left < 0) break;
    start += character;
  }
  return `${start}…`;
}

/** How many terminal columns a text takes, if it has no invisible characters. */
export function widthOf(text: string): number {
  return Array.from(text, columnsOf).reduce((sum, columns) => sum + columns, 0);
}

/** One line for each label and value, with the values aligned. */
export function renderRows(rows: [label: string, value: string][]): string {
  const width = Math.max(...rows.map(([label]) => label.length));
  return rows.map(([label, value]) => `  ${label.padEnd(width)}  ${value}`.trimEnd()).join('\n');
}

function columnsOf(character: string): number {
  // This variation selector turns the character before it into an emoji, which takes two columns.
  if (character === '\ufe0f') return 1;
  return /\p{M}/u.test(character) ? 0 : eastAsianWidth(character.codePointAt(0) ?? 0);
}
