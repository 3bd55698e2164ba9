/** The store failed or took too long. The same request may work a little later. */
export class StoreUnavailable extends Error {
  readonly status = 503;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StoreUnavailable';
  }
}

/** The session holds what no store can keep: a value without JSON, or too much. */
export class Unstorable extends Error {
  readonly status = 500;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'Unstorable';
  }
}
