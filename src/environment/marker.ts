import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode, UserError } from '../errors.ts';

/** The file that makes a directory an environment. */
export const markerName = 'sessapp.json';

export const languages = ['javascript', 'typescript'] as const;
export type Language = (typeof languages)[number];

/** What `sessapp.json` says. The server reads `store` and `cookie`; the rest is for the tool. */
export interface Marker {
  /** The version of this file's shape. */
  format: 1;
  /** The version of sessapp that made the environment. */
  sessapp: string;
  template: string;
  store: string;
  language: Language;
  /** The exact version of the environment's own Node.js, where it has one. */
  node?: string;
  /** What an activated prompt shows instead of the directory's name. */
  prompt?: string;
  /** The name of the session cookie. */
  cookie: string;
  /** The SHA-256, in hex, of each generated file as it was written, by its path in the environment. */
  files: Record<string, string>;
}

/**
 * @param directory an environment, absolute
 * @returns undefined when there is no `sessapp.json`
 * @throws UserError when there is one that cannot be understood
 */
export async function readMarker(directory: string): Promise<Marker | undefined> {
  const path = join(directory, markerName);
  let content: string;
  try {
    content = await readFile(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
  const marker = parseJson(content);
  if (isMarker(marker)) return marker;
  throw new UserError(
    'marker-damaged',
    `${path} is not what sessapp wrote: it does not hold an environment's description.`,
    'Restore it from your version control, or delete it and type: sessapp init --allow-existing in that directory.',
  );
}

export function renderMarker(marker: Marker): string {
  return `${JSON.stringify(marker, null, 2)}\n`;
}

function parseJson(content: string): unknown {
  try {
    return JSON.parse(content);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isMarker(value: unknown): value is Marker {
  if (typeof value !== 'object' || value === null) return false;
  const marker = value as Partial<Record<keyof Marker, unknown>>;
  return (
    marker.format === 1 &&
    [marker.template, marker.store, marker.cookie].every((name) => typeof name === 'string') &&
    languages.includes(marker.language as Language) &&
    (marker.node === undefined || /^\d+\.\d+\.\d+$/.test(String(marker.node))) &&
    (marker.prompt === undefined || typeof marker.prompt === 'string') &&
    isFileList(marker.files)
  );
}

// `init --clear` moves what is listed: nothing outside, and nothing that it promises to keep.
function isFileList(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).every(([path, hash]) => typeof hash === 'string' && isGenerated(path.split('/')));
}

function isGenerated(names: string[]): boolean {
  const isInside = names.every((name) => !['', '.', '..'].includes(name) && !name.includes('\\'));
  return isInside && !['.env', 'data', '.git', markerName].includes(names[0] ?? '');
}
