// Control characters, those that change the direction of text or cannot be seen, halves of characters, line separators.
const invisible = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** Text of strangers, so that it does nothing to a terminal: what cannot be seen is shown as JSON writes it, `\u001b`. */
export function visible(text: string): string {
  return text.replace(invisible, escapeUnits);
}

/** Whole lines of strangers: line breaks and tabs stay. */
export function visibleLines(text: string): string {
  return text.replace(/[^\n\t]+/g, visible);
}

/** The same value as JSON, with nothing in it that could do something to a terminal. */
export function toVisibleJson(value: unknown): string {
  return visible(JSON.stringify(value));
}

function escapeUnits(characters: string): string {
  const units = Array.from({ length: characters.length }, (_, n) => characters.charCodeAt(n));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
}
