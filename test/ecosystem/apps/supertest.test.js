import request from 'supertest';
import { expect, test } from 'vitest';
import app from './express-5.js';

test('an agent logs in, stays logged in, and logs out', async () => {
  const [ann, other] = [request.agent(app), request.agent(app)];
  await ann.get('/profile').expect(200, 'nobody');
  await ann
    .post('/login/ann')
    .expect('Set-Cookie', /^connect\.sid=/)
    .expect(200, 'in');
  await ann.get('/profile').expect(200, 'ann');
  await other.get('/profile').expect(200, 'nobody');
  await ann.post('/logout').expect(200, 'out');
  expect((await ann.get('/profile')).text).toBe('nobody');
});
