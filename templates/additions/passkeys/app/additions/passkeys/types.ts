/** A passkey of a user. */
export interface Passkey {
  /** The id of the credential, in base64url. */
  id: string;
  userId: string;
  /** In base64url. */
  publicKey: string;
  /** The authenticator's signature counter at the last login; 0 if it has none. */
  counter: number;
  /** The browser that added it. */
  browser: string;
  createdAtMs: number;
  usedAtMs: number;
}

/** The passkeys of all users. Every call concerns the passkeys of one user only. */
export interface Passkeys {
  /** Lists the oldest first. */
  listOf(userId: string): Promise<Passkey[]>;
  get(userId: string, id: string): Promise<Passkey | undefined>;
  /** @returns false when the user already has this passkey */
  create(passkey: Passkey): Promise<boolean>;
  /** @returns false, and changes nothing, when the stored counter is no longer `passkey.counter`, or the passkey is gone */
  use(passkey: Passkey, counter: number, usedAtMs: number): Promise<boolean>;
  remove(userId: string, id: string): Promise<void>;
  close(): Promise<void>;
}
