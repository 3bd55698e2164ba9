// How much work a hash of a password is. When you make it more, a user's hash follows at the next login.
// https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html

/** argon2id, where Node.js has it (24.7): `m` KiB of memory, `t` passes, `p` lanes. */
export const argon2Cost = { m: 19_456, t: 2, p: 1 };

/** scrypt: N is 2 to the power of `ln`; it takes 128 * N * r bytes of memory, here 32 MiB. */
export const scryptCost = { ln: 15, r: 8, p: 3 };
