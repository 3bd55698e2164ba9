import crypto, { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { argon2Cost, scryptCost } from './cost.ts';
import { enqueue } from './queue.ts';

type Cost = Record<string, number>;

/** The parts of a PHC string: `$scrypt$ln=15,r=8,p=3$salt$hash`. https://github.com/P-H-C/phc-string-format */
interface Phc {
  algorithm: string;
  cost: Cost;
  salt: Buffer;
  hash: Buffer;
}

type Algorithm = (password: Buffer, salt: Buffer, length: number, cost: Cost) => Promise<Buffer>;

/** Only Node.js 24.7 and newer has argon2. */
interface Argon2 {
  argon2?: (name: string, options: object, callback: (error: Error | null, hash: Buffer) => void) => void;
}

const { argon2 } = crypto as Argon2;
const hashBytes = 32;

const algorithms: Record<string, Algorithm> = {
  scrypt: (password, salt, length, { ln = 0, r = 0, p = 0 }) =>
    promisify<Buffer, Buffer, number, object, Buffer>(scrypt)(password, salt, length, {
      ...{ N: 2 ** ln, r, p, maxmem: 256 * 2 ** ln * r },
    }),
  ...(argon2 && {
    argon2id: (message: Buffer, nonce: Buffer, tagLength: number, { m: memory, t: passes, p: parallelism }: Cost) =>
      promisify(argon2)('argon2id', { message, nonce, tagLength, memory, passes, parallelism }),
  }),
};

const [algorithm, cost] = argon2 ? (['argon2id', argon2Cost] as const) : (['scrypt', scryptCost] as const);

/** Hashes a password with the current algorithm and cost. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  return render(salt, await compute(algorithm, password, salt, hashBytes, cost));
}

/** @param stored undefined for an unknown account: then the result is false, after the same time */
export async function verifyPassword(password: string, stored: string | undefined): Promise<boolean> {
  const { algorithm, cost, salt, hash } = parse(stored ?? dummyHash);
  const found = await compute(algorithm, password, salt, hash.length, cost);
  return timingSafeEqual(found, hash) && stored !== undefined;
}

/** True when the current algorithm or cost is stronger than that of the stored hash. */
export function isOutdated(stored: string): boolean {
  const { algorithm: before, cost: costBefore } = parse(stored);
  if (before !== algorithm) return algorithm === 'argon2id';
  return Object.entries(cost).some(([name, value]) => value > (costBefore[name] ?? 0));
}

// No password is known for this hash.
const dummyHash = render(randomBytes(16), randomBytes(hashBytes));

function compute(name: string, password: string, salt: Buffer, length: number, cost: Cost): Promise<Buffer> {
  const run = algorithms[name];
  if (!run)
    throw new Error(
      `A password was hashed with ${name}, which this Node.js cannot compute. Use Node.js 24.7 or newer.`,
    );
  // Keyboards encode the same character in different ways, so normalize.
  return enqueue(() => run(Buffer.from(password.normalize('NFKC')), salt, length, cost));
}

function parse(phc: string): Phc {
  const [, algorithm = '', costs = '', salt = '', hash = ''] =
    /^\$([a-z0-9-]+)(?:\$v=\d+)?\$([a-z0-9=,]+)\$([\w+/]+)\$([\w+/]+)$/i.exec(phc) ?? [];
  const pairs = costs.split(',').map((pair) => pair.split('='));
  return {
    algorithm,
    cost: Object.fromEntries(pairs.map(([name, value]) => [name, Number(value)])),
    salt: Buffer.from(salt, 'base64'),
    hash: Buffer.from(hash, 'base64'),
  };
}

function render(salt: Buffer, hash: Buffer): string {
  const version = algorithm === 'argon2id' ? '$v=19' : '';
  const costs = Object.entries(cost).map(([name, value]) => `${name}=${value}`);
  return `$${algorithm}${version}$${costs.join()}$${encode(salt)}$${encode(hash)}`;
}

function encode(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}
