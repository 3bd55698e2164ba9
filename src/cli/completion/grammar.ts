import {
  type Command,
  type Declaration,
  helpCommand,
  helpOption,
  jsonOption,
  type Values,
  versionOption,
} from '../command.ts';

/** The values that are possible at a place of a command line. */
export interface Slot {
  /** `any`: a shell cannot suggest a value. */
  kind: 'words' | 'directory' | 'file' | 'program' | 'any';
  words: string[];
}

export interface CompletedOption {
  /** `-e`, `--env`. */
  flags: string[];
  description: string;
  /** Its value; undefined when it takes none. */
  slot: Slot | undefined;
}

export interface CompletedCommand {
  /** One word, or two. */
  name: string;
  operands: (Slot & { isVariadic: boolean })[];
  options: CompletedOption[];
}

/** Everything that a shell completes. */
export interface Grammar {
  /** The words that can follow the name of each group, with their descriptions. The key '' is for `sessapp` itself. */
  choices: Map<string, [word: string, description: string][]>;
  /** The options of `sessapp` itself are those of the command with no name. */
  commands: CompletedCommand[];
}

/**
 * @param commands all of them
 * @param groups the summary of each group of commands
 */
export function toGrammar(commands: [name: string, command: Command][], groups: Record<string, string>): Grammar {
  const choices = new Map<string, [string, string][]>([['', []]]);
  for (const [name, { summary }] of commands) {
    const [first = '', second] = name.split(' ');
    if (second === undefined) choices.get('')?.push([first, summary]);
    else if (choices.has(first)) choices.get(first)?.push([second, summary]);
    else {
      choices.get('')?.push([first, groups[first] ?? '']);
      choices.set(first, [[second, summary]]);
    }
  }
  for (const words of choices.values()) words.push(['help', helpCommand[1]]);
  const described = commands.map(([name, { operands = [], options = [] }]) => ({
    name,
    operands: operands.map(([notation, , values]) => ({ ...toSlot(values), isVariadic: notation.includes('...') })),
    options: [...options, jsonOption, helpOption].map(toOption),
  }));
  return {
    choices,
    commands: [{ name: '', operands: [], options: [versionOption, helpOption].map(toOption) }, ...described],
  };
}

function toOption([notation, description, values]: Declaration): CompletedOption {
  const flags = notation.match(/(?<![\w-])--?[a-zA-Z][\w-]*/g) ?? [];
  return { flags, description, slot: notation.includes('<') ? toSlot(values) : undefined };
}

function toSlot(values: Values | undefined): Slot {
  if (typeof values === 'function') return { kind: 'words', words: values() };
  return { kind: values ?? 'any', words: [] };
}

/** Places of a command line with the same possible values. */
export interface Place {
  slot: Slot;
  /** `init --store`, or for an operand its number: `init 0`. */
  keys: string[];
  /** `install `, for each further value of a variadic operand. */
  prefixes: string[];
}

/** The options with a value and the operands, grouped by their possible values. */
export function listPlaces({ commands }: Grammar): Place[] {
  const places = new Map<string, Place>();
  const find = ({ kind, words }: Slot): Place => {
    const id = [kind, ...words].join(' ');
    const place = places.get(id) ?? { slot: { kind, words }, keys: [], prefixes: [] };
    places.set(id, place);
    return place;
  };
  for (const { name, operands, options } of commands) {
    for (const { flags, slot } of options) if (slot) find(slot).keys.push(...flags.map((flag) => `${name} ${flag}`));
    for (const [index, operand] of operands.entries()) {
      find(operand).keys.push(`${name} ${index}`);
      // A program is followed by its arguments.
      const next: Slot = operand.kind === 'program' ? { kind: 'file', words: [] } : operand;
      if (operand.isVariadic) find(next).prefixes.push(`${name} `);
    }
  }
  return [...places.values()];
}
