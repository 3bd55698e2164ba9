import session from 'express-session';
import { expect, test } from 'vitest';
import { reservedNames } from '../../src/session/data/data.ts';
import { StoredSession } from '../../src/session/object/stored-session.ts';

// Its types keep the constructor for express-session alone.
const Session = session.Session as unknown as new (req: object, data: object) => object;

test('the names that are no data are those that a session object has beside its data', () => {
  const ofRequest = Object.getOwnPropertyNames(new Session({ sessionID: 'id' }, {}));
  const classes = [Session.prototype, StoredSession.prototype];
  const names = [...ofRequest, ...classes.flatMap((each) => Object.getOwnPropertyNames(each))];
  // Every object has these; they are refused as such.
  const own = names.filter((name) => !(name in Object.prototype));
  expect([...reservedNames].sort()).toEqual([...new Set(own)].sort());
});
