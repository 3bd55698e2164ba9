import type { Marker } from '../../settings/marker.ts';
import type { Variables } from '../../settings/variables.ts';
import type { System } from '../../system.ts';
import type { PossiblyBrokenEnvironment } from '../environment/find.ts';

/** The environment that is checked. It may be broken in any way. */
export interface Subject extends PossiblyBrokenEnvironment {
  /** The variables in `.env`. Empty when the file cannot be read; the check `.env` reports that. */
  file: Variables;
  isFileUnreadable?: true;
  /** The variables that the server would get: `file`, overridden by the environment variables. */
  settings: Variables;
  /** The public address of the server, if `--url` was given. */
  url?: URL;
}

/** Renders a command to type, for the user's shell and working directory. */
export type CommandLine = (system: System) => Promise<string>;

/** Sentences and commands. The commands are printed last, one per line. Empty when there is nothing to do. */
export type Remedy = (string | CommandLine)[];

/** One result of a check. */
export interface Finding {
  /** Only a problem makes the command fail. */
  level: 'ok' | 'note' | 'problem';
  /** A sentence. */
  fact: string;
  /** Why it matters. Null when the level is `ok`. */
  why: string | null;
  remedy: Remedy;
  /** The check could not run because of a problem that another check found. */
  isConsequence?: true;
}

/** One check. If it changes something, it undoes the change. */
export interface Check {
  name: string;
  examine(subject: Subject, system: System): Promise<Finding[]>;
}

export function ok(fact: string): Finding {
  return { level: 'ok', fact, why: null, remedy: [] };
}

export function note(fact: string, why: string, ...remedy: Remedy): Finding {
  return { level: 'note', fact, why, remedy };
}

export function problem(fact: string, why: string, ...remedy: Remedy): Finding {
  return { level: 'problem', fact, why, remedy };
}

/**
 * The finding of a check that could not run.
 * @param reason ends with a full stop
 */
export function notChecked(reason: string, ...remedy: Remedy): Finding {
  return note(`Not checked: ${reason}`, 'There may be a problem that this check cannot see.', ...remedy);
}

/**
 * The finding of a check that cannot run until a problem that another check found is solved.
 * @param reason ends with a full stop
 * @param remedy printed only if no check found a problem
 */
export function dependsOnOther(reason: string, ...remedy: Remedy): Finding {
  return { ...notChecked(reason, ...remedy), isConsequence: true };
}

/** An environment whose `sessapp.json` can be read. */
export type Readable = Subject & { marker: Marker };

/** For a check that needs `sessapp.json`. */
export function withMarker(examine: (subject: Readable, system: System) => Promise<Finding[]>): Check['examine'] {
  return async (subject, system) => {
    const { marker } = subject;
    return marker ? examine({ ...subject, marker }, system) : [dependsOnOther('sessapp.json cannot be read.')];
  };
}

/** `a, b, c and 4 more` */
export function nameSome(names: string[]): string {
  const more = names.length - 3;
  return names.slice(0, 3).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
