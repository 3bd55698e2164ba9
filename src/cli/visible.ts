// Control characters, characters that change the text direction or are invisible, lone surrogates, line separators.
const invisible = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** Makes text from outside safe for a terminal: invisible characters are escaped as in JSON, such as `\u001b`. */
export function visible(text: string): string {
  return text.replace(invisible, escapeUnits);
}

const intro = '\u001b';
// The escape codes of our own styles.
const styled = new RegExp(`(${intro}\\[(?:1|2|22|3[1236]|39)m|[\\n\\t])|${invisible.source}`, 'gu');

/**
 * Makes a message safe for a terminal, but keeps its line breaks, tabs and our own colours.
 * @param isColoured false when we write no colours: then any escape code is from outside
 */
export function visibleText(text: string, isColoured: boolean): string {
  return text.replace(styled, (found: string, own?: string) =>
    own !== undefined && (isColoured || !own.startsWith(intro)) ? own : visible(found),
  );
}

/** The value as JSON that is safe for a terminal. */
export function toVisibleJson(value: unknown): string {
  return visible(JSON.stringify(value));
}

function escapeUnits(characters: string): string {
  const units = Array.from({ length: characters.length }, (_, n) => characters.charCodeAt(n));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
}
