import session from 'express-session';
import { expect, test } from 'vitest';
import { reservedNames } from '../../src/session/data/data.ts';
import { StoredSession } from '../../src/session/object/stored-session.ts';

// The types of express-session declare no constructor.
const Session = session.Session as unknown as new (req: object, data: object) => object;

test('the reserved names are the members of a session object besides its data', () => {
  const ofRequest = Object.getOwnPropertyNames(new Session({ sessionID: 'id' }, {}));
  const classes = [Session.prototype, StoredSession.prototype];
  const names = [...ofRequest, ...classes.flatMap((each) => Object.getOwnPropertyNames(each))];
  // Every object has these members; another check refuses them.
  const own = names.filter((name) => !(name in Object.prototype));
  expect([...reservedNames].sort()).toEqual([...new Set(own)].sort());
});
