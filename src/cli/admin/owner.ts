import { UsageError } from '../../errors.ts';
import { type Input, text } from '../command.ts';

/** The session layer stores at most this many characters of an owner. */
const ownerLength = 200;

export const ownerOption: [string, string] = ['--user <owner>', 'only those of this owner: their userId, or username'];

/** The owner that the command line names, as the store has it. */
export function readOwner(input: Input): string | undefined {
  const owner = text(input, 'user');
  if (owner === '') throw new UsageError('--user names nobody.', 'For example: --user ann');
  return owner?.slice(0, ownerLength);
}
