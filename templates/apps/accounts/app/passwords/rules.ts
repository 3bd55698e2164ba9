import { isCommon } from './common.ts';

export const minimumLength = 15;
export const maximumLength = 256;

export type Fault = 'short' | 'long' | 'common' | 'personal';

/**
 * What is wrong with a new password: its length, or that it can be guessed. There are no rules of which characters it has.
 * @param personal the user's email and name
 */
export function findFault(password: string, personal: string[]): Fault | undefined {
  // As a person counts characters.
  const length = [...password.normalize('NFKC')].length;
  if (length < minimumLength) return 'short';
  if (length > maximumLength) return 'long';
  if (isCommon(password)) return 'common';
  return personal.some((text) => text !== '' && text.toLowerCase() === password.toLowerCase()) ? 'personal' : undefined;
}
