import { runInPlace } from '../control/child.ts';
import { promptOf } from '../environment/find.ts';
import { findShellCommand } from '../shells/interactive-shell.ts';
import { onEnvironment } from './on-environment.ts';

export const command = onEnvironment({
  summary: 'open your shell inside an environment; type exit to leave it',
  examples: ['sessapp shell myenv'],
  async run({ system, output, environment }) {
    const { file, args, env } = await findShellCommand(system, environment);
    if (system.stdin.isTTY) output.note(output.style.dim(`In ${promptOf(environment)}; exit leaves it.`));
    return { exitCode: await runInPlace(system, file, args, env) };
  },
});
