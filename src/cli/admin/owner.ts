import { UsageError } from '../../errors.ts';
import { toListedOwner } from '../../stores/owner.ts';
import { type Input, text } from '../command.ts';

export const ownerOption: [string, string] = [
  '--user <owner>',
  'list only sessions of this owner (userId, username, user or passport.user)',
];

/** The owner in --user, in the form that the store uses. */
export function readOwner(input: Input): string | undefined {
  const owner = text(input, 'user');
  if (owner === '') throw new UsageError('--user is empty.', 'For example: --user ann');
  return owner === undefined ? undefined : toListedOwner(owner);
}
