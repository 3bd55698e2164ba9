import { type Command, environmentOperand, environmentOption, text } from '../command.ts';
import { findServed } from '../control/running-server.ts';
import { describeOrigin, isListening } from '../control/server-record.ts';
import { countWorkers } from '../control/workers.ts';
import { renderDistance } from '../durations.ts';

export const command: Command = {
  summary: 'show whether the server runs (exit code 0 if it does, else 1)',
  examples: ['sessapp status myenv'],
  operands: [environmentOperand],
  options: [environmentOption],
  async run(input, { system, output }) {
    const environment = await findServed(system, input.operands[0], text(input, 'env'));
    const { server } = environment;
    const name = output.style.bold(environment.name);
    if (!server) return { data: { running: false }, text: `${name} is not running.`, exitCode: 1 };
    if (!isListening(server)) {
      const fact = `process ${server.owner.pid} is starting it, or waits for a file to change`;
      return { data: { running: false, starting: true }, text: `${name} does not respond: ${fact}.`, exitCode: 1 };
    }
    const { url, pid, background } = server;
    const since = new Date(server.sinceMs).toISOString();
    const started = renderDistance(server.sinceMs, system.now());
    const origin = await describeOrigin(environment, server);
    const counts = await countWorkers(environment, server);
    if (counts.ready === 0) {
      const fact =
        counts.workers === 1 ? 'its worker is not running' : `none of its ${counts.workers} workers is running`;
      const text = `${name} does not respond: ${fact}. Process ${pid} starts another one.`;
      return { data: { running: false, starting: true }, text, exitCode: 1 };
    }
    return {
      data: { running: true, url, pid, since, background, ...counts },
      text: `${name} runs at ${output.style.cyan(url)}${origin} (process ${pid}${describe(counts)}, started ${started}).`,
    };
  },
};

function describe({ workers, ready }: { workers: number; ready: number }): string {
  if (ready < workers) return `, ${ready} of ${workers} workers`;
  return workers === 1 ? '' : `, ${workers} workers`;
}
