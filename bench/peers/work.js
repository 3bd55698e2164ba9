// What every server answers, and what it keeps in a session: the same in all of them, so that only the way there differs.

export const texts = {
  saved: 'Saved username in the session.\n',
  current: (username) => `The current user is ${username}.\n`,
  none: 'There is no current user.\n',
  filled: 'Put 8 KB in the session.\n',
};

/** Thirty days, as a session of sessapp lives. */
export const lifetimeMs = 30 * 24 * 60 * 60 * 1000;

/** `GET /`: every visit changes the session. */
function visit(session) {
  session.username = 'guest';
  session.count = (session.count ?? 0) + 1;
  return texts.saved;
}

/** `GET /profile`: only reads it. */
function readProfile({ username }) {
  return username ? texts.current(username) : texts.none;
}

/** `GET /count`: how often `/` was visited, by which a check tells that visits were saved. */
function readCount({ count = 0 }) {
  return `${count}\n`;
}

/** `GET /fill`: forty values of 200 letters, about 8 KB as JSON. */
function fill(session) {
  session.filling = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`value${i}`, `${i}`.padEnd(200, 'x')]));
  return texts.filled;
}

/** `GET /size`: how many letters `/fill` put there. */
function readSize({ filling = {} }) {
  return `${Object.values(filling).join('').length}\n`;
}

/** Every page: its path, and what makes its text of the session. */
export const pages = [
  ['/', visit],
  ['/profile', readProfile],
  ['/count', readCount],
  ['/fill', fill],
  ['/size', readSize],
];
