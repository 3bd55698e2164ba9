/** The store failed or took too long. The same request may succeed later. */
export class StoreUnavailable extends Error {
  readonly status = 503;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StoreUnavailable';
  }
}

/** The store has no way to list its sessions. */
export class CannotList extends Error {
  readonly status = 500;

  /** @param remedy what the developer can do */
  constructor(remedy = 'Use a store that can, or a store of sessapp/stores') {
    super(
      `this express-session store cannot list its sessions: it has neither \`ids\` nor an \`all\` that returns their ids. ${remedy}`,
    );
    this.name = 'CannotList';
  }
}

/** The address of the store is missing or not valid. */
export class StoreAddressError extends Error {
  readonly code: 'store-url-missing' | 'store-url-bad';
  readonly hint: string;

  constructor(code: 'store-url-missing' | 'store-url-bad', message: string, hint: string) {
    super(message);
    this.name = 'StoreAddressError';
    this.code = code;
    this.hint = hint;
  }
}

/** The application called `close()` of a store or a database, and uses it after that. */
export class StoreClosed extends Error {
  constructor() {
    super('the application closed this store with close(): close a store only after the last request');
    this.name = 'StoreClosed';
  }
}

/** The files of an open store were removed or replaced. Everything written from now on is lost when the store is closed. */
export class StoreReplaced extends Error {
  constructor(directory: string) {
    super(`the files in ${directory} were removed or replaced while the server runs: restart the server`);
    this.name = 'StoreReplaced';
  }
}
