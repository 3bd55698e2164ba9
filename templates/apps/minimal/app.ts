import type { Express } from 'express';
import express from 'express';
import { show } from './pages.ts';

declare module 'express-session' {
  interface SessionData {
    username: string;
  }
}

export function routes(app: Express) {
  app.use(express.static(`${import.meta.dirname}/public`));

  app.get('/', async (req, res) => {
    req.session.username = 'guest';
    await show(res, { ko: '세션에 username을 저장했습니다.', en: 'Saved username in the session.' });
  });

  app.get('/profile', async (req, res) => {
    const { username } = req.session;
    const current = { ko: `현재 유저는 ${username}입니다.`, en: `The current user is ${username}.` };
    const none = { ko: '현재 유저가 없습니다.', en: 'There is no current user.' };
    await show(res, username ? current : none);
  });
}
