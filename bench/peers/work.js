// The responses and the session data of all servers. They are the same everywhere, so that only the frameworks differ.

export const texts = {
  saved: 'Saved username in the session.\n',
  current: (username) => `The current user is ${username}.\n`,
  none: 'There is no current user.\n',
  filled: 'Put 8 KB in the session.\n',
};

/** Thirty days, as in sessapp. */
export const lifetimeMs = 30 * 24 * 60 * 60 * 1000;

/** `GET /`: every visit changes the session. */
function visit(session) {
  session.username = 'guest';
  session.count = (session.count ?? 0) + 1;
  return texts.saved;
}

/** `GET /profile`: only reads the session. */
function readProfile({ username }) {
  return username ? texts.current(username) : texts.none;
}

/** `GET /count`: how often `/` was visited. The checks use it to verify that visits are saved. */
function readCount({ count = 0 }) {
  return `${count}\n`;
}

/** `GET /fill`: adds 40 values of 200 characters, about 8 KB as JSON. */
function fill(session) {
  session.filling = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`value${i}`, `${i}`.padEnd(200, 'x')]));
  return texts.filled;
}

/** `GET /size`: how many characters `/fill` has added. */
function readSize({ filling = {} }) {
  return `${Object.values(filling).join('').length}\n`;
}

/** Every page: its path, and the function that renders its text from the session. */
export const pages = [
  ['/', visit],
  ['/profile', readProfile],
  ['/count', readCount],
  ['/fill', fill],
  ['/size', readSize],
];
