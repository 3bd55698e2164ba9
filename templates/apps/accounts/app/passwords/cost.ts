// The cost of a password hash. After you increase it, each user's password is hashed again at the next login.
// https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html

/** argon2id, in Node.js 24.7 and newer: `m` KiB of memory, `t` passes, `p` lanes. */
export const argon2Cost = { m: 19_456, t: 2, p: 1 };

/** scrypt: N is 2 to the power of `ln`. It uses 128 * N * r bytes of memory, here 32 MiB. */
export const scryptCost = { ln: 15, r: 8, p: 3 };
