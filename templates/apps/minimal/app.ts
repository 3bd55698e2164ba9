import type { Express, Request } from 'express';

declare module 'express-session' {
  interface SessionData {
    username: string;
  }
}

const texts = {
  ko: ['세션에 username을 저장했습니다.', '현재 유저는 {}입니다.', '현재 유저가 없습니다.'],
  en: ['Saved username in the session.', 'The current user is {}.', 'There is no current user.'],
} as const;

export function routes(app: Express) {
  app.get('/', (req, res) => {
    req.session.username = 'guest';
    res.type('text').send(`${textsFor(req)[0]}\n`);
  });

  app.get('/profile', (req, res) => {
    const [, current, none] = textsFor(req);
    const { username } = req.session;
    res.type('text').send(`${username ? current.replace('{}', () => username) : none}\n`);
  });
}

function textsFor(req: Request) {
  req.res?.vary('Accept-Language');
  return req.acceptsLanguages('ko', 'en') === 'en' ? texts.en : texts.ko;
}
