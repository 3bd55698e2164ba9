import { setTimeout as wait } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import { notInstalled } from './programs.ts';
import { cli, finish, type Result, type Sandbox } from './sandbox.ts';

/** The end of the title of a test that needs a terminal: the missing program, or empty. */
export const withoutTerminal = notInstalled('script');

/**
 * Runs the command on a pseudo-terminal (`script` of util-linux), and replies to its prompts.
 * @param responses pairs of a text to wait for on the screen and the text to type then, in this order
 * @returns `stdout` is the whole output of the terminal
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
    // A prompt accepts input only a moment after it appears.
    await wait(100);
    child.stdin?.write(response);
  }
  return result;
}
