import { UsageError } from '../../errors.ts';
import { type Command, environmentOperand, environmentOption, flag, text } from '../command.ts';
import { checks } from '../doctor/list.ts';
import { renderFindings } from '../doctor/render.ts';
import { runChecks } from '../doctor/run.ts';
import { readSubject } from '../doctor/subject.ts';

export const command: Command = {
  summary: 'find problems, and show how to fix them (exit code 1 if any)',
  examples: ['sessapp doctor myenv', 'sessapp doctor --url https://example.org'],
  operands: [environmentOperand],
  options: [
    environmentOption,
    ['--url <address>', 'also check the page at this address, which users type'],
    ['--verbose', 'also show the checks that pass'],
  ],
  async run(input, { system, output }) {
    const url = readUrl(text(input, 'url'));
    const subject = await readSubject(system, [input.operands[0], text(input, 'env')], url);
    const findings = await runChecks(checks, subject, system);
    return {
      data: { findings: findings.map(({ isConsequence: _, ...finding }) => finding) },
      text: renderFindings(findings, flag(input, 'verbose'), output),
      exitCode: findings.some(({ level }) => level === 'problem') ? 1 : 0,
    };
  },
};

function readUrl(address: string | undefined): URL | undefined {
  if (address === undefined) return undefined;
  const example = 'For example: --url https://example.org';
  if (!URL.canParse(address)) throw new UsageError('--url is not a valid address.', example);
  const url = new URL(address);
  if (!['http:', 'https:'].includes(url.protocol))
    throw new UsageError(`--url takes an http or https address, not ${url.protocol}`, example);
  if (url.username !== '' || url.password !== '')
    throw new UsageError('--url does not take a user or password.', 'Leave them out.');
  return url;
}
