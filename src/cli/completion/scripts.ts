import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readOwnPackageJson, templatesDirectory } from '../package.ts';
import { type CompletedCommand, type CompletedOption, type Grammar, listPlaces, type Slot } from './grammar.ts';

/** The script of each shell is a template. These functions return the values of its placeholders. */
const renderers: Record<string, (grammar: Grammar) => Record<string, string>> = {
  bash: renderBash,
  fish: renderFish,
  zsh: renderZsh,
};

export const completedShells = Object.keys(renderers);

/** @param shell one of `completedShells` */
export function renderCompletion(shell: string, grammar: Grammar): string {
  const render = renderers[shell];
  if (!render) throw new TypeError(`there is no completion for '${shell}'`);
  const template = readFileSync(join(templatesDirectory, 'completion', shell), 'utf8');
  const parts: Record<string, string> = { version: readOwnPackageJson().version, ...render(grammar) };
  return template.replace(/\{\{(\w+)\}\}/g, (_, name: string) => parts[name] ?? '');
}

function renderBash(grammar: Grammar): Record<string, string> {
  const cases = (entries: [patterns: string[], action: string][]): string =>
    entries.map(([patterns, action]) => `    ${patterns.join(' | ')}) ${action} ;;`).join('\n');
  const assign = (words: string[]): string => `values=${quote(words.join(' '))}`;
  const { choices, commands } = grammar;
  return {
    choices: cases([...choices].map(([name, words]) => [[quote(name)], assign(words.map(([word]) => word))])),
    options: cases(commands.map(({ name, options }) => [[quote(name)], assign(options.flatMap(({ flags }) => flags))])),
    places: cases(
      listPlaces(grammar).map(({ slot: { kind, words }, keys, prefixes }) => [
        [...keys.map(quote), ...prefixes.map((prefix) => `${quote(prefix)}[0-9]*`)],
        words.length > 0 ? `kind=${kind} ${assign(words)}` : `kind=${kind}`,
      ]),
    ),
  };
}

function renderFish(grammar: Grammar): Record<string, string> {
  const cases = (entries: [patterns: string[], lines: string[]][]): string =>
    entries
      .filter(([patterns]) => patterns.length > 0)
      .map(([patterns, lines]) => `        case ${patterns.join(' ')}\n            printf '%s\\n' ${lines.join(' ')}`)
      .join('\n');
  // fish shows the text after a tab as the description.
  const described = (word: string, description: string): string => `${quoteFish(word)}\\t${quoteFish(description)}`;
  const { choices, commands } = grammar;
  const places = listPlaces(grammar).map(({ slot: { kind, words }, ...patterns }) => ({
    lines: [kind, ...words],
    ...patterns,
  }));
  return {
    choices: cases([...choices].map(([name, words]) => [[quoteFish(name)], words.map((word) => described(...word))])),
    options: cases(
      commands.map(({ name, options }) => [
        [quoteFish(name)],
        options.flatMap(({ flags, description }) => flags.map((flag) => described(flag, description))),
      ]),
    ),
    // fish uses the first case that matches.
    places: cases([
      ...places.map(({ keys, lines }): [string[], string[]] => [keys.map(quoteFish), lines]),
      ...places.map(({ prefixes, lines }): [string[], string[]] => [
        prefixes.map((prefix) => quoteFish(`${prefix}*`)),
        lines,
      ]),
    ]),
  };
}

function renderZsh({ choices, commands }: Grammar): Record<string, string> {
  const choosers = [...choices].map(([name, words]) => {
    const known = words.map(([word, description]) => `    ${quote(`${word}:${description}`)}`);
    return defineZsh(name, `_sessapp_choose ${nameZsh(name)} \\\n${known.join(' \\\n')}`);
  });
  const functions = commands
    .filter(({ name }) => name !== '')
    .map((command) => defineZsh(command.name, `_arguments -S \\\n    ${specsOf(command).join(' \\\n    ')}`));
  return { functions: [...functions, ...choosers].join('\n\n') };
}

function defineZsh(name: string, body: string): string {
  return `${nameZsh(name)}() {\n  ${body}\n}`;
}

function nameZsh(name: string): string {
  return ['_sessapp', ...name.split(' ').filter(Boolean)].join('_');
}

function specsOf({ options, operands }: CompletedCommand): string[] {
  const positions = operands.flatMap((slot, index) => {
    if (slot.kind === 'program') return [`'(-)${index + 1}:command:_command_names -e'`, "'*::arguments:_normal'"];
    const place = slot.isVariadic ? '*' : `${index + 1}:`;
    return [quote(`${place}:${slot.kind}:${actionOf(slot)}`)];
  });
  return [...options.map(specOf), ...positions];
}

function specOf({ flags, description, slot }: CompletedOption): string {
  const explained = `[${description.replace(/[[\]]/g, '').replaceAll(':', '\\:')}]${slot ? `:${slot.kind}:${actionOf(slot)}` : ''}`;
  const [first = '', second] = flags;
  if (second === undefined) return quote(`${first}${slot ? '=' : ''}${explained}`);
  const forms = slot ? `{${first}+,${second}=}` : `{${first},${second}}`;
  return `'(${first} ${second})'${forms}${quote(explained)}`;
}

function actionOf({ kind, words }: Slot): string {
  const actions = {
    words: `(${words.join(' ')})`,
    directory: '_files -/',
    file: '_files',
    program: '_command_names',
    any: '()',
  };
  return actions[kind];
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function quoteFish(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}
