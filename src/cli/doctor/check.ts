import type { Marker } from '../../settings/marker.ts';
import type { Variables } from '../../settings/variables.ts';
import type { System } from '../../system.ts';
import type { PossiblyBrokenEnvironment } from '../environment/find.ts';

/** What is looked at: an environment that may be broken in any way. */
export interface Subject extends PossiblyBrokenEnvironment {
  /** What `.env` sets; empty when it cannot be read, which a check says. */
  file: Variables;
  /** The same with the real environment over it: what the server would get. */
  settings: Variables;
  /** Where the server is to be reached, if that was given. */
  url?: URL;
}

/** A command to type. How it is written depends on the user's shell and working directory. */
export type CommandLine = (system: System) => Promise<string>;

/** Sentences, and commands that are told last, one a line. Empty where there is nothing to do. */
export type Remedy = (string | CommandLine)[];

/** What a check found. */
export interface Finding {
  /** A note is worth knowing; a problem makes the command fail. */
  level: 'ok' | 'note' | 'problem';
  /** A sentence. */
  fact: string;
  /** Why it matters; null where all is well. */
  why: string | null;
  remedy: Remedy;
  /** It could not be checked because of what another check has found. */
  isConsequence?: true;
}

/** One thing that is looked at. It changes nothing that lasts. */
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
 * A check that could not be made.
 * @param reason ends with a full stop
 */
export function notChecked(reason: string, ...remedy: Remedy): Finding {
  return note(`Not checked: ${reason}`, 'What is wrong here would not be seen.', ...remedy);
}

/**
 * A check that waits for what another check has found.
 * @param reason ends with a full stop
 */
export function dependsOnOther(reason: string): Finding {
  return { ...notChecked(reason), isConsequence: true };
}

type Readable = Subject & { marker: Marker };

/** For a check that needs `sessapp.json`. */
export function withMarker(examine: (subject: Readable, system: System) => Promise<Finding[]>): Check['examine'] {
  return async (subject, system) => {
    const { marker } = subject;
    return marker ? examine({ ...subject, marker }, system) : [dependsOnOther('it needs sessapp.json.')];
  };
}

/** `a, b, c and 4 more` */
export function nameSome(names: string[]): string {
  const more = names.length - 3;
  return names.slice(0, 3).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
