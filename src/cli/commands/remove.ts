import { basename, resolve } from 'node:path';
import { UsageError } from '../../errors.ts';
import { storeKinds } from '../../settings/stores.ts';
import type { System } from '../../system.ts';
import { renderCount } from '../amounts.ts';
import { type Command, type Context, flag } from '../command.ts';
import { promptOf } from '../environment/find.ts';
import type { Report } from '../output.ts';
import { realpathOrItself } from '../paths.ts';
import { isConfirmed } from '../prompts.ts';
import { type Contents, inspectContents } from '../remove/contents.ts';
import { findRemovable, type Removable } from '../remove/removable.ts';
import { clearLeftovers, removeEnvironment } from '../remove/remove.ts';
import { commandLine } from '../shells/shells.ts';
import { visible } from '../visible.ts';

export const command: Command = {
  summary: 'remove an environment, with its sessions, its secret and your files in it',
  examples: ['sessapp remove myenv', 'sessapp remove myenv --dry-run'],
  operands: [['<dir>', 'the environment; it is never taken from SESSAPP_ENV', 'directory']],
  options: [
    ['-y, --yes', 'do not ask'],
    ['--dry-run', 'print what would be removed, and remove nothing'],
  ],
  async run(input, context) {
    const { system, output } = context;
    const isDryRun = flag(input, 'dryRun');
    const [operand = ''] = input.operands;
    const canConfirm = flag(input, 'yes') || output.interactive;
    if (!isDryRun && canConfirm && operand !== '') await clearLeftovers(resolve(system.cwd, operand));
    const environment = await findRemovable(system, operand);
    if (!isDryRun && !canConfirm)
      throw new UsageError('remove asks first, but this is not a terminal.', 'To confirm, add --yes.');
    const contents = await inspectContents(system, environment);
    const lines = await describe(context, environment, contents);
    const removal = { environment, contents, isActivated: await isActivated(system, environment) };
    if (isDryRun) return report(context, removal, 'planned', lines.join('\n'));
    if (!flag(input, 'yes')) {
      for (const line of lines) output.note(line);
      if (!(await isConfirmed(system, `Remove ${promptOf(environment)}? This cannot be undone.`)))
        return report(context, removal, 'kept');
    }
    // From here on a signal either stops the command before it removes anything, or has no effect.
    system.catchInterrupts();
    await output.working((step) => {
      step(`Removing ${visible(environment.directory)}`);
      return removeEnvironment(system, environment);
    });
    return report(context, removal, 'removed');
  },
};

/** The parts that are removed and the parts that stay, one line each. */
async function describe(context: Context, environment: Removable, contents: Contents): Promise<string[]> {
  const { system, output } = context;
  const { directory, sharesData } = environment;
  const { files, changed, hasSecret, hasRepository, sessions } = contents;
  const { bold, yellow } = output.style;
  return [
    `${bold(visible(directory))} has ${renderCount(files, 'file')}. Removing it deletes:`,
    ...(changed.length === 0
      ? []
      : [yellow(`  ${renderCount(changed.length, 'file')} that you added or changed: ${nameSome(changed)}`)]),
    ...(hasRepository ? [yellow('  its git repository, with commits that may exist nowhere else')] : []),
    ...(hasSecret ? ['  .env with its secret: cookies that it signed become invalid'] : []),
    ...(sessions === undefined ? [] : [`  ${renderCount(sessions, 'session')} in its embedded store`]),
    ...(sharesData ? ['data is a link: the folder that it leads to stays.'] : []),
    ...(await tellNetworkStores(system, environment)),
  ];
}

async function tellNetworkStores(system: System, environment: Removable): Promise<string[]> {
  const stores = listNetworkStores(environment);
  if (stores.length === 0) return [];
  const end = await commandLine(system, environment.directory, 'sessions destroy', '--all');
  return [`Its sessions in ${stores.join(' and ')} stay there. To end them, first type: ${end}`];
}

/** The titles of the stores that are not in the environment itself. */
function listNetworkStores({ marker: { store, migration } }: Removable): string[] {
  const stores = new Set([store, ...(migration ? [migration.from, migration.to] : [])]);
  return [...stores].flatMap((name) => (storeKinds[name]?.address ? [storeKinds[name].title] : []));
}

const shownFiles = 5;

function nameSome(paths: string[]): string {
  const more = paths.length - shownFiles;
  return paths.slice(0, shownFiles).map(visible).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

interface Removal {
  environment: Removable;
  contents: Contents;
  /** In the shell that the user types in. */
  isActivated: boolean;
}

function report(
  { output }: Context,
  { environment: { directory, marker }, contents, isActivated }: Removal,
  status: 'planned' | 'kept' | 'removed',
  plan?: string,
): Report {
  const { files, changed, hasRepository, sessions = null } = contents;
  const { store } = marker;
  const data = {
    status,
    directory,
    files,
    changed,
    repository: hasRepository,
    store,
    sessions,
    activated: isActivated,
  };
  const name = output.style.bold(visible(basename(directory)));
  const done = status === 'removed' ? `Removed ${name}.` : `${name} stays as it is.`;
  const leave = isActivated && status === 'removed' ? ['It is activated in this shell. Type: deactivate'] : [];
  return { data, text: [plan ?? done, ...leave].join('\n') };
}

async function isActivated({ env, cwd }: System, { directory }: Removable): Promise<boolean> {
  return Boolean(env.SESSAPP_ENV) && (await realpathOrItself(resolve(cwd, env.SESSAPP_ENV ?? ''))) === directory;
}
