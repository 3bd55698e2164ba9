import { setTimeout as wait } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import { notInstalled } from './programs.ts';
import { cli, finish, type Result, type Sandbox } from './sandbox.ts';

/** For a test that needs a terminal: empty, or what is missing, for the end of its title. */
export const withoutTerminal = notInstalled('script');

/**
 * Runs the tool on a pseudo-terminal of its own (util-linux' `script`), and answers what it asks.
 * @param answers what to type when which text is on the screen, in this order
 * @returns stdout is all that was on the screen
 */
export async function onTerminal(
  sandbox: Sandbox,
  args: string[],
  responses: [question: string, response: string][],
  env: NodeJS.ProcessEnv = {},
): Promise<Result> {
  const command = [process.execPath, cli, ...args].map((word) => `'${word}'`).join(' ');
  const variables = { CI: '', TERM: 'xterm', npm_command: undefined, SHELL: '/bin/sh', ...env };
  const child = sandbox.spawn('script', ['-qec', `stty cols 120 rows 30; exec ${command}`, '/dev/null'], {
    env: variables,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let screen = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (screen += text));
  const result = finish(child);
  for (const [question, response] of responses) {
    while (!stripVTControlCharacters(screen).includes(question) && child.exitCode === null) await wait(20);
    screen = '';
    // A prompt listens a moment after it is drawn.
    await wait(100);
    child.stdin?.write(response);
  }
  return result;
}
