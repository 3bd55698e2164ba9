/** A person who has confirmed their email address. */
export interface User {
  id: string;
  /** In lower case. */
  email: string;
  name: string;
  /** The password's hash, as a PHC string. */
  password: string;
  /** Increases by one at each password change: sessions with an older version end. */
  passwordVersion: number;
  createdAtMs: number;
}

export interface Users {
  find(email: string): Promise<User | undefined>;
  get(id: string): Promise<User | undefined>;
  /** @returns false when the email address already has an account */
  create(user: User): Promise<boolean>;
  /** @returns false, and changes nothing, when the stored password is no longer `user.password`, or the user is gone */
  setPassword(user: User, password: string, passwordVersion: number): Promise<boolean>;
}

/** The purpose of a link in a mail. */
export type Purpose =
  | { kind: 'register'; email: string; name: string; password: string }
  | { kind: 'reset'; userId: string; passwordVersion: number };

/** The links that were sent. A key is the hash of a link's token. */
export interface Tokens {
  put(key: string, purpose: Purpose, expiresAtMs: number): Promise<void>;
  get(key: string): Promise<Purpose | undefined>;
  /** Removes the link and returns its purpose. Only one of several concurrent calls gets it. */
  take(key: string): Promise<Purpose | undefined>;
}

export interface Count {
  count: number;
  /** When the count restarts at 0. */
  endsAtMs: number;
}

/** Counts that all server processes share. */
export interface Counts {
  /** Adds to a count. Its window starts with the first addition and ends after `windowMs`. */
  add(key: string, amount: number, windowMs: number): Promise<Count>;
  read(key: string): Promise<number>;
  clear(key: string): Promise<void>;
}

/** All stored data of the accounts. */
export interface Store {
  users: Users;
  tokens: Tokens;
  counts: Counts;
  close(): Promise<void>;
}
