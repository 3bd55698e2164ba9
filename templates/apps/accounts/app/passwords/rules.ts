import { isCommon } from './common.ts';

export const minimumLength = 15;
export const maximumLength = 256;

export type Fault = 'short' | 'long' | 'common' | 'personal';

/**
 * Finds what is wrong with a new password: its length, or that it is easy to guess. Any characters are allowed.
 * @param personal the user's email and name
 */
export function findFault(password: string, personal: string[]): Fault | undefined {
  // Count characters, not UTF-16 units.
  const length = [...password.normalize('NFKC')].length;
  if (length < minimumLength) return 'short';
  if (length > maximumLength) return 'long';
  if (isCommon(password)) return 'common';
  return personal.some((text) => text !== '' && text.toLowerCase() === password.toLowerCase()) ? 'personal' : undefined;
}
