import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode, UserError } from '../errors.ts';
import { explainClosed, parseJson } from '../files.ts';
import { restoringOptions } from './restoring.ts';

/** The file that marks a directory as an environment. */
export const markerName = 'sessapp.json';

export const languages = ['javascript', 'typescript'] as const;
export type Language = (typeof languages)[number];

const newestFormat = 2;

/** The content of `sessapp.json`. The server reads `store`, `cookie` and `migration`; the command reads the rest. */
export interface Marker {
  /** The version of the file format. */
  format: 2;
  /** The version of sessapp that created the environment. */
  sessapp: string;
  template: string;
  store: string;
  language: Language;
  /** The exact version of the environment's own Node.js, if it has one. */
  node?: string;
  /** The text that the prompt of an activated shell shows instead of the directory's name. */
  prompt?: string;
  /** The name of the session cookie. */
  cookie: string;
  /** The SHA-256 hash, in hex, of each generated file as it was written, by its path in the environment. */
  files: Record<string, string>;
  /** Present while sessions move to another store, and just after. */
  migration?: Migration;
}

export const migrationPhases = ['prepare', 'move', 'switch'] as const;

/** The progress of `sessapp store migrate`. The servers follow it. */
export interface Migration {
  /** The name of the old store. */
  from: string;
  /** The name of the new store. */
  to: string;
  /**
   * `prepare`: every server opens the new store. `move`: sessions move. `switch`: all sessions have moved, and `store` is the new
   * store; its address may still be in NEXT_STORE_URL.
   */
  phase: (typeof migrationPhases)[number];
}

/** The directory is or was an environment, but its `sessapp.json` is missing or not valid. */
export class BrokenEnvironment extends UserError {
  override name = 'BrokenEnvironment';
  /** The environment's directory as an absolute path. */
  readonly directory: string;

  constructor(directory: string, code: string, message: string, hint: string) {
    super(code, message, hint);
    this.directory = directory;
  }
}

/** An environment of sessapp 0.1, which contains a copy of the server instead of the package. */
export class OldEnvironment extends BrokenEnvironment {
  /** The marker in the current format: only the format number differs. */
  readonly marker: Marker;

  constructor(directory: string, marker: Marker) {
    const fact = `${directory} was created by sessapp ${marker.sessapp}, which copied its server into the environment.`;
    const hint = `Stop its server, then type: npx sessapp upgrade ${directory} (the app, .env and data/ stay)`;
    super(directory, 'environment-old', fact, hint);
    this.marker = marker;
  }
}

/** @throws BrokenEnvironment when `sessapp.json` is missing, unreadable or not valid */
export async function requireMarker(directory: string): Promise<Marker> {
  const marker = await readMarker(directory);
  if (marker) return marker;
  const again = ['sessapp', 'init', '.', ...(await restoringOptions(directory))].join(' ');
  throw new BrokenEnvironment(
    directory,
    'marker-missing',
    `There is no sessapp.json in ${directory}.`,
    `Restore it from your version control, or type ${again} in that directory.`,
  );
}

/**
 * @param directory the environment's directory as an absolute path
 * @returns undefined when there is no `sessapp.json`
 * @throws BrokenEnvironment when the file is unreadable or not valid
 */
export async function readMarker(directory: string): Promise<Marker | undefined> {
  const path = join(directory, markerName);
  let content: string;
  try {
    content = await readFile(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    if (hasCode(error, 'EISDIR', 'ELOOP')) throw await damagedMarker(directory, 'it is not a file');
    if (hasCode(error, 'EACCES', 'EPERM')) throw await closed(directory);
    throw error;
  }
  const marker = parseJson(content);
  if (isMarker(marker)) return marker;
  if (isNewerMarker(marker)) throw newer(directory, marker.format);
  if (isOldMarker(marker)) throw new OldEnvironment(directory, { ...marker, format: 2 });
  throw await damagedMarker(directory, 'it does not describe an environment');
}

/** @param reason why the file is not valid, without a full stop */
export async function damagedMarker(directory: string, reason: string): Promise<BrokenEnvironment> {
  const again = ['sessapp', 'init', '.', ...(await restoringOptions(directory))].join(' ');
  return new BrokenEnvironment(
    directory,
    'marker-damaged',
    `${join(directory, markerName)} is not what sessapp wrote: ${reason}.`,
    `Restore it from your version control, or rename it to ${markerName}.damaged and type: ${again} in that directory.`,
  );
}

function newer(directory: string, format: number): BrokenEnvironment {
  return new BrokenEnvironment(
    directory,
    'environment-new',
    `${join(directory, markerName)} was written by a newer sessapp (format ${format}); this one reads format ${newestFormat}.`,
    'Use the environment’s own copy (activate the environment, or type npx sessapp in it), or install a newer sessapp.',
  );
}

async function closed(directory: string): Promise<BrokenEnvironment> {
  const path = join(directory, markerName);
  const { code, message, hint } = (await explainClosed(path)) ?? {
    code: 'permission-denied',
    message: `${path} cannot be read by this user.`,
    hint: 'You own it: give yourself read permission.',
  };
  return new BrokenEnvironment(directory, code, message, hint ?? '');
}

export function renderMarker(marker: Marker): string {
  return `${JSON.stringify(marker, null, 2)}\n`;
}

function isNewerMarker(value: unknown): value is { format: number } {
  return Number((value as { format?: unknown } | undefined | null)?.format) > newestFormat;
}

function isOldMarker(value: unknown): value is Omit<Marker, 'format'> {
  return isMarker({ ...Object(value), format: 2 }) && (value as { format?: unknown }).format === 1;
}

function isMarker(value: unknown): value is Marker {
  if (typeof value !== 'object' || value === null) return false;
  const marker = value as Partial<Record<keyof Marker, unknown>>;
  return (
    marker.format === 2 &&
    [marker.template, marker.store, marker.cookie].every((name) => typeof name === 'string') &&
    languages.includes(marker.language as Language) &&
    (marker.node === undefined || /^\d+\.\d+\.\d+$/.test(String(marker.node))) &&
    (marker.prompt === undefined || typeof marker.prompt === 'string') &&
    isFileList(marker.files) &&
    (marker.migration === undefined || isMigration(marker.migration))
  );
}

function isMigration(value: unknown): value is Migration {
  const { from, to, phase } = (value ?? {}) as Partial<Migration>;
  return [from, to].every((name) => typeof name === 'string') && migrationPhases.includes(phase as Migration['phase']);
}

// `upgrade` replaces the listed files, so the list must not contain files outside the environment or files that `upgrade` keeps.
function isFileList(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).every(([path, hash]) => typeof hash === 'string' && isGenerated(path.split('/')));
}

function isGenerated(names: string[]): boolean {
  const isInside = names.every((name) => !['', '.', '..'].includes(name) && !name.includes('\\'));
  return isInside && !['.env', 'data', '.git', markerName].includes(names[0] ?? '');
}
