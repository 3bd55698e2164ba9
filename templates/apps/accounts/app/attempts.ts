import { createHash } from 'node:crypto';
import type { Request } from 'express';
import type { Accounts } from './accounts.ts';
import { hashPassword, isOutdated, verifyPassword } from './passwords/hash.ts';
import { Refusal } from './refusal.ts';
import { clientOf } from './request.ts';
import type { Counts, User } from './store/types.ts';

const minuteMs = 60 * 1000;
const dayMs = 24 * 60 * minuteMs;

/** How many wrong passwords are allowed: from one client for one account, from one client, and for one account. */
const pairLimit = { count: 10, windowMs: 15 * minuteMs };
const clientLimit = { count: 100, windowMs: 15 * minuteMs };
const accountLimit = { count: 100, windowMs: dayMs };
/** How long a client is known after it gave the right password. The account's limit does not apply to a known client. */
const knownMs = 30 * dayMs;
/** How many mails are allowed: for one client, and to one email address. */
const mailsByClient = { count: 20, windowMs: 60 * minuteMs };
const mailsToEmail = { count: 5, windowMs: 60 * minuteMs };
/** How many wrong passwords are allowed for one link. */
const linkLimit = { count: 10, windowMs: 60 * minuteMs };

type Limit = typeof pairLimit;

/**
 * Verifies the password of an account. For an unknown account it takes as long as for a wrong password.
 * @returns the user, or undefined when the password or the email is wrong
 * @throws Refusal 429 after too many wrong passwords, 503 when too many logins are waiting
 */
export async function checkPassword(
  { users, counts }: Accounts,
  req: Request,
  email: string,
  password: string,
): Promise<User | undefined> {
  const keys = countKeys(email, clientOf(req));
  await consume(counts, keys.pair, pairLimit);
  await consume(counts, keys.client, clientLimit);
  if ((await counts.read(keys.known)) === 0) await consume(counts, keys.account, accountLimit);
  const user = await users.find(email);
  const isRight = await verifyPassword(password, user?.password).catch(async (error) => {
    await giveBack(counts, keys);
    throw error;
  });
  if (!isRight || !user) {
    // Do not log the email field: people type passwords into it by mistake.
    req.log.info({ userId: user?.id }, 'a wrong password was given');
    return undefined;
  }
  await resetLimits(counts, keys);
  return isOutdated(user.password) ? rehash(users, user, password) : user;
}

// The password was not verified, so do not count the attempt.
async function giveBack(counts: Counts, keys: ReturnType<typeof countKeys>): Promise<void> {
  await counts.add(keys.pair, -1, pairLimit.windowMs);
  await counts.add(keys.client, -1, clientLimit.windowMs);
  await counts.add(keys.account, -1, accountLimit.windowMs);
}

async function resetLimits(counts: Counts, keys: ReturnType<typeof countKeys>): Promise<void> {
  await counts.clear(keys.pair);
  await counts.clear(keys.account);
  await counts.add(keys.client, -1, clientLimit.windowMs);
  await counts.add(keys.known, 1, knownMs);
}

/** Resets the limits after a password reset, so that the user can log in at once. */
export async function forgetAttempts({ counts }: Accounts, req: Request, email: string): Promise<void> {
  const keys = countKeys(email, clientOf(req));
  await counts.clear(keys.pair);
  await counts.clear(keys.account);
}

/** @throws Refusal when this client requested too many mails, or too many mails went to this address */
export async function countMail({ counts }: Accounts, req: Request, email: string): Promise<void> {
  await consume(counts, countKey('mails by client', clientOf(req)), mailsByClient);
  await consume(counts, countKey('mails to', email), mailsToEmail);
}

/** @param what the name of the limited action. @throws Refusal when this client has requested it too often */
export function countClient({ counts }: Accounts, req: Request, what: string): Promise<void> {
  return consume(counts, countKey(what, clientOf(req)), clientLimit);
}

/** @throws Refusal after too many wrong passwords for one link */
export function countLinkAttempt({ counts }: Accounts, key: string): Promise<void> {
  return consume(counts, countKey('link', key), linkLimit);
}

// Count an attempt before the password is verified, so that concurrent attempts cannot exceed the limit.
async function consume(counts: Counts, key: string, { count, windowMs }: Limit): Promise<void> {
  const counted = await counts.add(key, 1, windowMs);
  if (counted.count > count) throw new Refusal(429, Math.max(1, Math.ceil((counted.endsAtMs - Date.now()) / 1000)));
}

// If another request has changed the password since, setPassword does nothing and the new hash stays.
async function rehash(users: Accounts['users'], user: User, password: string): Promise<User> {
  const hash = await hashPassword(password);
  await users.setPassword(user, hash, user.passwordVersion);
  return user;
}

function countKeys(email: string, client: string) {
  return {
    pair: countKey('pair', email, client),
    client: countKey('client', client),
    account: countKey('account', email),
    known: countKey('known', email, client),
  };
}

function countKey(...parts: string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}
