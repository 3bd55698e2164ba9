import { isDeepStrictEqual, parseEnv } from 'node:util';
import { keyIdOf, renderCreationLine, secretVariable, splitSecrets } from '../../settings/secrets.ts';

/** What is to become of the secrets of a `.env`. */
export interface SecretChange {
  /** A new one, which goes in front. */
  add?: { secret: string; nowMs: number };
  /** Which of the present ones stay. */
  keeps: (secret: string) => boolean;
}

/** A place where the text seems to set the secrets: the whole line may be inside of a quoted value. */
interface Assignment {
  /** Where its line begins. */
  start: number;
  /** Where its value begins and ends, without quotes. */
  valueStart: number;
  valueEnd: number;
}

/** The secrets of a `.env`, newest first. */
export function secretsIn(text: string): string[] {
  return splitSecrets(parseEnv(text)[secretVariable]);
}

/**
 * Changes the secrets of a `.env`, and nothing else of it: not a comment, a quote, the end of a line. Each place that
 * may set them is tried, the last one first, as in Node.js the last one counts; what came out is read as Node.js does.
 * @returns undefined when no change of the text does what was meant, and only that
 */
export function changeSecrets(text: string, change: SecretChange): string | undefined {
  const wanted = [...(change.add ? [change.add.secret] : []), ...secretsIn(text).filter(change.keeps)];
  const rest = withoutBirths(
    text,
    secretsIn(text)
      .filter((secret) => !change.keeps(secret))
      .map(keyIdOf),
  );
  if (isMisread(text)) return undefined;
  const assignments = findAssignments(rest).reverse();
  const edited = assignments.map((assignment) => edit(rest, assignment, change));
  const isWritten = assignments.some(({ valueStart, valueEnd }) => valueEnd > valueStart);
  if (!isWritten) edited.push(append(rest, change));
  return edited.find((candidate) => isAsMeant(text, candidate, wanted));
}

function isAsMeant(text: string, edited: string, wanted: string[]): boolean {
  return isDeepStrictEqual(secretsIn(edited), wanted) && isDeepStrictEqual(others(edited), others(text));
}

function others(text: string): NodeJS.Dict<string> {
  const { [secretVariable]: _, ...rest } = parseEnv(text);
  return rest;
}

// A carriage return counts for nothing, wherever it is.
const assignmentPattern = new RegExp(
  `(?<=^|\\n)[ \\t\\r]*(?:export )?[ \\t\\r]*${secretVariable}[ \\t\\r]*=[ \\t\\r]*`,
  'g',
);

function findAssignments(text: string): Assignment[] {
  return [...text.matchAll(assignmentPattern)].map(({ index: start, 0: before }) => {
    const from = start + before.length;
    const quote = /^["'`]/.exec(text.slice(from, from + 1))?.[0];
    const closing = quote === undefined ? -1 : text.indexOf(quote, from + 1);
    if (closing !== -1) return { start, valueStart: from + 1, valueEnd: closing };
    const [value = ''] = /^[^\n#]*/.exec(text.slice(from)) ?? [];
    return { start, valueStart: from, valueEnd: from + value.trimEnd().length };
  });
}

function edit(text: string, { start, valueStart, valueEnd }: Assignment, { add, keeps }: SecretChange): string {
  const old = text
    .slice(valueStart, valueEnd)
    .split(',')
    .filter((part) => part.trim() !== '' && keeps(part.trim()));
  const value = [...(add ? [add.secret] : []), ...old].join(',');
  const birth = add ? renderCreationLine(keyIdOf(add.secret), add.nowMs) + lineEnd(text) : '';
  return text.slice(0, start) + birth + text.slice(start, valueStart) + value + text.slice(valueEnd);
}

function append(text: string, { add }: SecretChange): string {
  if (!add) return text;
  const end = lineEnd(text);
  const gap = text === '' || text.endsWith('\n') ? '' : end;
  const birth = renderCreationLine(keyIdOf(add.secret), add.nowMs);
  return `${text}${gap}${birth}${end}${secretVariable}=${add.secret}${end}`;
}

// Versions of Node.js differ in what they make of a line that is none, and of the one after it.
function isMisread(text: string): boolean {
  return Object.keys(parseEnv(text)).some((name) => /\s/.test(name) && name.endsWith(secretVariable));
}

function withoutBirths(text: string, ids: string[]): string {
  return ids.reduce((rest, id) => rest.replace(new RegExp(`(?<=^|\\n)# key ${id} since [^\\n]*\\n`, 'g'), ''), text);
}

function lineEnd(text: string): string {
  return text.includes('\r\n') ? '\r\n' : '\n';
}
