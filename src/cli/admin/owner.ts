import { UsageError } from '../../errors.ts';
import { toListedOwner } from '../../stores/owner.ts';
import { type Input, text } from '../command.ts';

export const ownerOption: [string, string] = [
  '--user <owner>',
  'list only sessions of this owner (userId, username or id)',
];

/** The owner that the command line names, as the store has it. */
export function readOwner(input: Input): string | undefined {
  const owner = text(input, 'user');
  if (owner === '') throw new UsageError('--user names nobody.', 'For example: --user ann');
  return owner === undefined ? undefined : toListedOwner(owner);
}
