// Control characters, those that change the direction of text or cannot be seen, halves of characters, line separators.
const invisible = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** Text of strangers, so that it does nothing to a terminal: what cannot be seen is shown as JSON writes it, `\u001b`. */
export function visible(text: string): string {
  return text.replace(invisible, escapeUnits);
}

const intro = '\u001b';
// The codes of our own style.
const styled = new RegExp(`(${intro}\\[(?:1|2|22|3[1236]|39)m|[\\n\\t])|${invisible.source}`, 'gu');

/**
 * Text for a person, which may hold names and messages from outside: lines, and our own colours, stay.
 * @param isColoured false where we write none, so that any is from outside
 */
export function visibleText(text: string, isColoured: boolean): string {
  return text.replace(styled, (found: string, own?: string) =>
    own !== undefined && (isColoured || !own.startsWith(intro)) ? own : visible(found),
  );
}

/** The same value as JSON, with nothing in it that could do something to a terminal. */
export function toVisibleJson(value: unknown): string {
  return visible(JSON.stringify(value));
}

function escapeUnits(characters: string): string {
  const units = Array.from({ length: characters.length }, (_, n) => characters.charCodeAt(n));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
}
