/** A passkey that a user has registered. */
export interface Passkey {
  /** The credential's, in base64url. */
  id: string;
  userId: string;
  /** In base64url. */
  publicKey: string;
  /** The authenticator's, at the last login; 0 where it does not count. */
  counter: number;
  /** The browser that registered it. */
  browser: string;
  createdAtMs: number;
  usedAtMs: number;
}

/** The passkeys of all users. A user finds their own only. */
export interface Passkeys {
  /** The oldest first. */
  listOf(userId: string): Promise<Passkey[]>;
  get(userId: string, id: string): Promise<Passkey | undefined>;
  /** False: the user has it already. */
  create(passkey: Passkey): Promise<boolean>;
  /** False: the stored counter is not `passkey.counter` any more, or the passkey is gone. Then nothing has changed. */
  use(passkey: Passkey, counter: number, usedAtMs: number): Promise<boolean>;
  remove(userId: string, id: string): Promise<void>;
  close(): Promise<void>;
}
