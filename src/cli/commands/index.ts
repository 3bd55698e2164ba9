import type { Command } from '../command.ts';

// Only the command that runs is loaded.
const commands: Record<string, () => Promise<{ command: Command }>> = {
  add: () => import('./add.ts'),
  'cache clean': () => import('./cache/clean.ts'),
  'cache info': () => import('./cache/info.ts'),
  completion: async () => {
    const { createCommand } = await import('./completion.ts');
    return { command: createCommand(loadCommands, groups) };
  },
  dashboard: () => import('./dashboard.ts'),
  deploy: () => import('./deploy.ts'),
  doctor: () => import('./doctor.ts'),
  info: () => import('./info.ts'),
  init: () => import('./init.ts'),
  install: () => import('./install.ts'),
  list: () => import('./list.ts'),
  logs: () => import('./logs.ts'),
  reload: () => import('./reload.ts'),
  remove: () => import('./remove.ts'),
  run: () => import('./run.ts'),
  'secret list': () => import('./secret/list.ts'),
  'secret retire': () => import('./secret/retire.ts'),
  'secret rotate': () => import('./secret/rotate.ts'),
  serve: () => import('./serve.ts'),
  'sessions destroy': () => import('./sessions/destroy.ts'),
  'sessions list': () => import('./sessions/list.ts'),
  'sessions prune': () => import('./sessions/prune.ts'),
  'sessions show': () => import('./sessions/show.ts'),
  'sessions stats': () => import('./sessions/stats.ts'),
  shell: () => import('./shell.ts'),
  status: () => import('./status.ts'),
  stop: () => import('./stop.ts'),
  'store backup': () => import('./store/backup.ts'),
  'store migrate': () => import('./store/migrate.ts'),
  upgrade: () => import('./upgrade.ts'),
};

/** The summary of each group of commands, for `sessapp --help`. */
export const groups: Record<string, string> = {
  cache: 'show or remove the snapshots of installed dependencies',
  secret: 'list, rotate and retire the secrets that sign sessions',
  sessions: 'list, show, count and end sessions',
  store: 'back up the store, or move its sessions to another store',
};

/** The names of all commands, one word or two: `secret list`. */
export function listCommands(): string[] {
  return Object.keys(commands);
}

/** True for a command that takes the environment as an operand: `serve [dir]`. @param name one of `listCommands` */
export async function takesDirectory(name: string): Promise<boolean> {
  const { operands = [] } = await loadCommand(name);
  return ['[dir]', '<dir>'].includes(operands[0]?.[0] ?? '');
}

/** @param name one of `listCommands` */
export async function loadCommand(name: string): Promise<Command> {
  const load = commands[name];
  if (!load) throw new TypeError(`there is no command '${name}'`);
  return (await load()).command;
}

function loadCommands(): Promise<[string, Command][]> {
  return Promise.all(listCommands().map(async (name): Promise<[string, Command]> => [name, await loadCommand(name)]));
}
