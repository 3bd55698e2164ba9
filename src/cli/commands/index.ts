import type { Command } from '../command.ts';

// Only the command that is asked for is loaded.
const commands: Record<string, () => Promise<{ command: Command }>> = {
  add: () => import('./add.ts'),
  'cache clean': () => import('./cache/clean.ts'),
  'cache info': () => import('./cache/info.ts'),
  dashboard: () => import('./dashboard.ts'),
  deploy: () => import('./deploy.ts'),
  doctor: () => import('./doctor.ts'),
  info: () => import('./info.ts'),
  init: () => import('./init.ts'),
  install: () => import('./install.ts'),
  list: () => import('./list.ts'),
  logs: () => import('./logs.ts'),
  reload: () => import('./reload.ts'),
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

/** One line for `sessapp --help` about each group of commands. */
export const groups: Record<string, string> = {
  cache: 'look after the snapshots of installed dependencies',
  secret: 'look at the secrets that sign an environment’s sessions, and rotate them',
  sessions: 'look at the sessions of an environment, and end them',
  store: 'look after the store of an environment',
};

/** The names of all commands, one word or two: `secret list`. */
export function listCommands(): string[] {
  return Object.keys(commands);
}

/** True for a command whose operand is the environment, as in `serve [dir]`. @param name one of `listCommands` */
export async function takesDirectory(name: string): Promise<boolean> {
  const { operands = [] } = await loadCommand(name);
  return operands[0]?.[0] === '[dir]';
}

/** @param name one of `listCommands` */
export async function loadCommand(name: string): Promise<Command> {
  const load = commands[name];
  if (!load) throw new TypeError(`there is no command '${name}'`);
  return (await load()).command;
}
