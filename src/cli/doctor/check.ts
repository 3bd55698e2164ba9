import type { FoundEnvironment } from '../environment/find.ts';
import type { Marker } from '../../settings/marker.ts';
import { nearPath, quoteLine } from '../shells/shells.ts';
import type { Variables } from '../../settings/variables.ts';
import type { System } from '../../system.ts';

/** What is looked at: an environment that may be broken in any way. */
export interface Subject extends FoundEnvironment {
  /** What `.env` sets; empty when it cannot be read, which a check says. */
  file: Variables;
  /** The same with the real environment over it: what the server would get. */
  settings: Variables;
  /** Where the server is to be reached, if that was given. */
  url?: URL;
}

/** What a check found. */
export interface Finding {
  /** A note is worth knowing; a problem makes the command fail. */
  level: 'ok' | 'note' | 'problem';
  /** A sentence. */
  fact: string;
  /** Why it matters; null where all is well. */
  why: string | null;
  /** What to do; null where there is nothing. Commands come last, after `Type: `, one a line. */
  remedy: string | null;
}

/** One thing that is looked at. It changes nothing that lasts. */
export interface Check {
  name: string;
  examine(subject: Subject, system: System): Promise<Finding[]>;
}

export function ok(fact: string): Finding {
  return { level: 'ok', fact, why: null, remedy: null };
}

export function note(fact: string, why: string, remedy: string | null): Finding {
  return { level: 'note', fact, why, remedy };
}

export function problem(fact: string, why: string, remedy: string): Finding {
  return { level: 'problem', fact, why, remedy };
}

/**
 * A check that could not be made.
 * @param reason ends with a full stop
 */
export function notChecked(reason: string, remedy: string | null = null): Finding {
  return note(`Not checked: ${reason}`, 'What is wrong here would not be seen.', remedy);
}

/** What to type, as the end of a remedy. */
export function type(...commands: string[]): string {
  return `Type: ${commands.join('\n')}`;
}

/** A command on a file or directory, which comes last. */
export async function typeOn(system: System, command: string[], path: string): Promise<string> {
  return type(await quoteLine(system, ...command, nearPath(system.cwd, path)));
}

type Readable = Subject & { marker: Marker };

/** For a check that needs `sessapp.json`. */
export function withMarker(examine: (subject: Readable, system: System) => Promise<Finding[]>): Check['examine'] {
  return async (subject, system) => {
    const { marker } = subject;
    return marker ? examine({ ...subject, marker }, system) : [notChecked('it needs sessapp.json.')];
  };
}
