/** A person who has confirmed their email address. */
export interface User {
  id: string;
  /** In lower case. */
  email: string;
  name: string;
  /** The password's hash, as a PHC string. */
  password: string;
  /** Grows by one at each change of the password: sessions of before that end. */
  passwordVersion: number;
  createdAtMs: number;
}

export interface Users {
  find(email: string): Promise<User | undefined>;
  get(id: string): Promise<User | undefined>;
  /** False: the email address has an account already. */
  create(user: User): Promise<boolean>;
  /** False: the stored password is not `user.password` any more, or the user is gone. Then nothing has changed. */
  setPassword(user: User, password: string, passwordVersion: number): Promise<boolean>;
}

/** What a link in a mail is for. */
export type Purpose =
  | { kind: 'register'; email: string; name: string; password: string }
  | { kind: 'reset'; userId: string; passwordVersion: number };

/** Links that were sent. A key is the hash of a link's token. */
export interface Tokens {
  put(key: string, purpose: Purpose, expiresAtMs: number): Promise<void>;
  get(key: string): Promise<Purpose | undefined>;
  /** Removes it. Of several calls at the same time, one gets it. */
  take(key: string): Promise<Purpose | undefined>;
}

export interface Count {
  count: number;
  /** When the count begins again at 0. */
  endsAtMs: number;
}

/** Counts that all servers share. */
export interface Counts {
  /** Adds to a count, which begins with the first addition and ends after `windowMs`. */
  add(key: string, amount: number, windowMs: number): Promise<Count>;
  read(key: string): Promise<number>;
  clear(key: string): Promise<void>;
}

/** Everything that accounts keep, in one kind of store. */
export interface Store {
  users: Users;
  tokens: Tokens;
  counts: Counts;
  close(): Promise<void>;
}
