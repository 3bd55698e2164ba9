import { UsageError } from '../../errors.ts';
import { isPort, portRemedy } from '../../settings/settings.ts';
import { flag, type Input, text } from '../command.ts';
import { openLink } from '../dashboard/open-link.ts';
import { runDashboard } from '../dashboard/run.ts';
import { onEnvironment } from './on-environment.ts';

export const command = onEnvironment({
  summary: 'show live sessions in a browser, and end them there',
  examples: ['sessapp dashboard myenv --open', 'sessapp dashboard --read-only --values'],
  options: [
    ['-p, --port <number>', 'the port on 127.0.0.1 (default: any free port)'],
    ['--open', 'open the page in a browser'],
    ['--read-only', 'do not allow ending sessions'],
    ['--values', 'show session values, except those whose keys look like credentials'],
  ],
  verify: readPort,
  async run({ input, system, output, environment, name }) {
    const onListening = async (url: string, signal: AbortSignal): Promise<void> => {
      output.report({ data: { url }, text: `The dashboard of ${name}: ${output.style.cyan(url)}` });
      output.note('The link works once. Press Ctrl-C to stop the dashboard.');
      if (flag(input, 'open')) await openLink(system, url, signal, () => output.warn('No browser could be opened.'));
    };
    const options = { port: readPort(input), isReadOnly: flag(input, 'readOnly'), showsValues: flag(input, 'values') };
    await runDashboard(system, environment, { ...options, onListening }, system.catchInterrupts());
    output.note('Stopped.');
    return {};
  },
});

function readPort(input: Input): number {
  const port = text(input, 'port') ?? '0';
  if (!isPort(port)) throw new UsageError(`'${port}' is not a valid port.`, portRemedy);
  return Number(port);
}
