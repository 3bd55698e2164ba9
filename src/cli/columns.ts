import { eastAsianWidth } from 'get-east-asian-width';

/** Cut with `…`, or filled up with spaces, to so many columns of a terminal. */
export function toWidth(text: string, columns: number): string {
  const short = cut(text, columns);
  return short + ' '.repeat(columns - widthOf(short));
}

/** Cut with `…` where it is longer. */
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

/** How many columns of a terminal a text takes, if nothing in it is invisible. */
export function widthOf(text: string): number {
  return Array.from(text, columnsOf).reduce((sum, columns) => sum + columns, 0);
}

/** Labels and values, one below the other. */
export function renderRows(rows: [label: string, value: string][]): string {
  const width = Math.max(...rows.map(([label]) => label.length));
  return rows.map(([label, value]) => `  ${label.padEnd(width)}  ${value}`.trimEnd()).join('\n');
}

function columnsOf(character: string): number {
  // It makes an emoji of the character before, which then takes two columns.
  if (character === '\ufe0f') return 1;
  return /\p{M}/u.test(character) ? 0 : eastAsianWidth(character.codePointAt(0) ?? 0);
}
