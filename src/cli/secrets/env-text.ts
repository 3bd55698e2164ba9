import { isDeepStrictEqual, parseEnv } from 'node:util';
import { renderCreationLine, secretIdOf, secretVariable, splitSecrets } from '../../settings/secrets.ts';

/** A change of the secrets in a `.env`. */
export interface SecretChange {
  /** A new secret, which is put in front. */
  add?: { secret: string; nowMs: number };
  /** Which of the current secrets stay. */
  keeps: (secret: string) => boolean;
}

/** A place where the text seems to set the secrets. It may also be a line inside a quoted value. */
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
 * Changes the secrets of a `.env` and nothing else: comments, quotes and line endings stay. Tries each place that may set
 * the secrets, the last one first, because in Node.js the last one wins. Then parses the result as Node.js does.
 * @returns undefined when no edit gives exactly the wanted result
 */
export function changeSecrets(text: string, change: SecretChange): string | undefined {
  const wanted = [...(change.add ? [change.add.secret] : []), ...secretsIn(text).filter(change.keeps)];
  const rest = withoutBirths(
    text,
    secretsIn(text)
      .filter((secret) => !change.keeps(secret))
      .map(secretIdOf),
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

// Node.js ignores carriage returns everywhere.
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
  const birth = add ? renderCreationLine(secretIdOf(add.secret), add.nowMs) + lineEnd(text) : '';
  return text.slice(0, start) + birth + text.slice(start, valueStart) + value + text.slice(valueEnd);
}

function append(text: string, { add }: SecretChange): string {
  if (!add) return text;
  const end = lineEnd(text);
  const gap = text === '' || text.endsWith('\n') ? '' : end;
  const birth = renderCreationLine(secretIdOf(add.secret), add.nowMs);
  return `${text}${gap}${birth}${end}${secretVariable}=${add.secret}${end}`;
}

// Versions of Node.js differ in how they parse an invalid line and the line after it.
function isMisread(text: string): boolean {
  return Object.keys(parseEnv(text)).some((name) => /\s/.test(name) && name.endsWith(secretVariable));
}

function withoutBirths(text: string, ids: string[]): string {
  return ids.reduce((rest, id) => rest.replace(new RegExp(`(?<=^|\\n)# secret ${id} since [^\\n]*\\n`, 'g'), ''), text);
}

function lineEnd(text: string): string {
  return text.includes('\r\n') ? '\r\n' : '\n';
}
