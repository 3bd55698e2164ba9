import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { UsageError } from '../../../errors.ts';
import { storeKinds, storeNames } from '../../../settings/stores.ts';
import type { System } from '../../../system.ts';
import { type Context, flag, type Input, text } from '../../command.ts';
import { verifyChoice } from '../../nearest.ts';
import { homeDirectory } from '../../paths.ts';
import { ask, type ChoiceOption } from '../../prompts.ts';
import { commandLine } from '../../shells/shells.ts';
import { describeStores, describeTemplates, listTemplates } from '../layers.ts';
import { verifyAddress, verifyNoPassword } from './store-url.ts';

export const defaults = { template: 'minimal', store: 'embedded' };

/** The options of `init`, from the command line and the prompts. Undefined: not given. */
export interface InitOptions {
  /** Absolute. */
  directory: string;
  template: string | undefined;
  store: string | undefined;
  /** Without a password. */
  storeUrl: string | undefined;
  node: string | undefined;
  prompt: string | undefined;
  typescript: boolean;
  allowExisting: boolean;
  install: boolean;
  offline: boolean;
  git: boolean;
}

/** @throws UsageError when an option is not valid, or the directory is missing and we cannot prompt for it */
export async function readInitOptions(input: Input, context: Context): Promise<InitOptions> {
  const { system, output } = context;
  const [named] = input.operands;
  const given = {
    template: text(input, 'template'),
    store: text(input, 'store'),
    storeUrl: text(input, 'storeUrl'),
  };
  const prompt = text(input, 'prompt');
  await verifyOptions({ ...given, prompt });
  if (named !== undefined) verifyDirectory(named, system.env);
  const asked = named !== undefined ? { dir: named, ...given } : await askOrRefuse(context, given);
  const { dir, template, store, storeUrl } = asked;
  if (storeUrl !== undefined) verifyNoPassword(storeUrl);
  const options = {
    ...{ directory: resolve(system.cwd, dir), template, store, storeUrl, prompt },
    node: text(input, 'node'),
    typescript: flag(input, 'typescript'),
    allowExisting: flag(input, 'allowExisting'),
    install: input.options.install !== false,
    offline: flag(input, 'offline'),
    git: flag(input, 'git'),
  };
  if (named === undefined)
    output.note(`To do the same without questions: ${await equivalent(input, context, options)}`);
  return options;
}

/** @param home matches a path in the home directory. On a command line, a quoted ~ alone may be a directory name. */
function verifyDirectory(dir: string, env: NodeJS.ProcessEnv, home = /^~\//): void {
  if (dir.trim() === '') throw new UsageError('The name of the directory is empty.', 'For example: sessapp init myenv');
  // A shell expands ~, but not in quotes. At a prompt, there is no shell.
  if (!home.test(dir)) return;
  const remedy = `Type the full path: ${join(homeDirectory(env), dir.slice(1))}. If the name really begins with ~, type ./${dir}`;
  throw new UsageError(`${dir} begins with ~, which only a shell replaces by your home directory.`, remedy);
}

async function verifyOptions({ template, store, prompt }: Partial<InitOptions>): Promise<void> {
  if (template !== undefined) await verifyChoice('template', template, listTemplates());
  if (store !== undefined) await verifyChoice('store', store, storeNames);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a prompt must not contain them
  if (prompt !== undefined && (prompt.trim() === '' || /[\u0000-\u001f\u007f-\u009f]/.test(prompt))) {
    throw new UsageError(
      'The prompt must be one line of text, without control characters.',
      'For example: --prompt shop',
    );
  }
}

async function askOrRefuse({ system, output }: Context, given: Pick<InitOptions, 'template' | 'store' | 'storeUrl'>) {
  if (!output.interactive) throw new UsageError('No directory given.', 'For example: sessapp init myenv');
  const choose = (options: ChoiceOption[], message: string, initial: string): Promise<string> =>
    ask(system, { message, options, initial });
  const verify = (dir: string): void => verifyDirectory(dir.trim(), system.env, /^~(\/|$)/);
  const dir = (await ask(system, { message: 'Which directory?', initial: freeName(system.cwd), verify })).trim();
  const template = given.template ?? (await choose(describeTemplates(), 'Which template?', defaults.template));
  const store = given.store ?? (await choose(describeStores(), 'Which store for the sessions?', defaults.store));
  const storeUrl = given.storeUrl ?? (system.env.STORE_URL ? undefined : await askForAddress(system, store));
  return { dir, template, store, storeUrl };
}

// Suggest a free name: an existing directory would be refused, but only after all questions.
function freeName(cwd: string): string {
  for (let number = 1; ; number++) {
    const name = number === 1 ? 'myenv' : `myenv-${number}`;
    if (!existsSync(join(cwd, name))) return name;
  }
}

async function askForAddress(system: System, store: string): Promise<string | undefined> {
  const address = storeKinds[store]?.address;
  const verify = (url: string): void => verifyAddress(store, url);
  return (
    address && ask(system, { message: 'What is its address? (without a password)', initial: address.example, verify })
  );
}

// The command line with the given options and the values from the prompts.
async function equivalent(input: Input, { system }: Context, options: InitOptions): Promise<string> {
  const { directory, template, store, storeUrl } = options;
  const given = Object.entries({ ...input.options, template, store, storeUrl }).flatMap(([name, value]) =>
    toWords(name, value),
  );
  return commandLine(system, directory, 'init', ...given);
}

function toWords(name: string, value: string | boolean | undefined): string[] {
  const option = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  if (typeof value === 'string') return [option, value];
  if (name === 'install') return value === false ? ['--no-install'] : [];
  return value === true ? [option] : [];
}
