// The page around a sentence of app. Its style is in public/style.css.
import { extname } from 'node:path';
import { promisify } from 'node:util';
import type { Request, Response } from 'express';

/** In each language that the pages have. */
interface Sentence {
  ko: string;
  en: string;
}

/** Sends a sentence in the language of the client: to a browser as a page, to others, such as curl, as text. */
export async function show(res: Response, sentence: Sentence) {
  const { req } = res;
  const language = req.acceptsLanguages('ko', 'en') === 'en' ? 'en' : 'ko';
  res.vary('Accept').vary('Accept-Language');
  if (req.accepts('text', 'html') !== 'html') res.type('text').send(`${sentence[language]}\n`);
  else res.send(renderPage(req.path, language, sentence[language], await readSession(req)));
}

interface SessionState {
  ref: string;
  ends: Date;
  holds: object;
}

/** Undefined without a session: one is stored, and gets a cookie, when a page puts something into it. */
async function readSession({ session, sessionID, sessionStore }: Request): Promise<SessionState | undefined> {
  const { cookie: _, ...holds } = session;
  if (Object.keys(holds).length === 0) return undefined;
  const read = promisify(sessionStore.get.bind(sessionStore, sessionID));
  const save = promisify(session.save.bind(session));
  if (!(await read())) await save();
  const ends = (await read())?.cookie.expires;
  return ends ? { ref: sessionStore.refOf(sessionID).slice(0, 12), ends: new Date(ends), holds } : undefined;
}

const js = extname(import.meta.filename);

const texts = {
  ko: {
    links: [
      ['/', '이름 저장'],
      ['/profile', '프로필'],
    ],
    session: '내 세션',
    ref: '참조',
    ends: '쓰지 않으면 만료',
    holds: '내용',
    none: '아직 세션이 없습니다. 페이지가 세션에 값을 넣으면 시작됩니다.',
    next: '다음에 고칠 파일',
    files: [
      [`app${js}`, '이 문장과 세션에 넣는 값'],
      [`pages${js}`, '문장을 감싸는 이 페이지'],
      ['public/style.css', '페이지의 모양'],
      [`server${js}`, '헤더, 제한, 오류 응답'],
    ],
    docs: '문서',
    reads: [
      ['README.md', '이 환경에 들어 있는 것'],
      ['.env.example', '바꿀 수 있는 설정'],
      ['sessapp --help', '모든 명령'],
      ['sessapp serve --watch', '파일을 저장하면 이 페이지를 새로 고칩니다'],
      ['sessapp sessions list', '이 세션도 목록에 있습니다'],
    ],
  },
  en: {
    links: [
      ['/', 'Save a name'],
      ['/profile', 'Profile'],
    ],
    session: 'Your session',
    ref: 'Reference',
    ends: 'Ends if unused',
    holds: 'Holds',
    none: 'There is no session yet. It begins when a page puts something into it.',
    next: 'What to edit next',
    files: [
      [`app${js}`, 'this sentence, and what the session holds'],
      [`pages${js}`, 'the page around it'],
      ['public/style.css', 'how the page looks'],
      [`server${js}`, 'headers, limits, and responses to errors'],
    ],
    docs: 'Documentation',
    reads: [
      ['README.md', 'what is in this environment'],
      ['.env.example', 'the settings'],
      ['sessapp --help', 'all commands'],
      ['sessapp serve --watch', 'reloads this page when you save a file'],
      ['sessapp sessions list', 'has this session, too'],
    ],
  },
};

function renderPage(path: string, language: 'ko' | 'en', sentence: string, state: SessionState | undefined) {
  const text = texts[language];
  const links = text.links.map(
    ([to, name]) => `<a href="${to}"${to === path ? ' aria-current="page"' : ''}>${name} <code>${to}</code></a>`,
  );
  return `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(sentence)}</title>
<link rel="icon" href="/icon.svg">
<link rel="stylesheet" href="/style.css">
</head>
<body>
<nav>${links.join('\n')}</nav>
<main>
<h1>${escapeHtml(sentence)}</h1>
<section>
<h2>${text.session}</h2>
${state ? renderList(describe(state, language)) : `<p>${text.none}</p>`}
</section>
<section>
<h2>${text.next}</h2>
${renderList(text.files.map(([name, what]) => [`<code>${name}</code>`, `${what}`]))}
</section>
<section>
<h2>${text.docs}</h2>
${renderList(text.reads.map(([name, what]) => [`<code>${name}</code>`, `${what}`]))}
</section>
</main>
</body>
</html>
`;
}

function describe({ ref, ends, holds }: SessionState, language: 'ko' | 'en'): [name: string, value: string][] {
  const text = texts[language];
  const time = ends.toLocaleString(language, { dateStyle: 'long', timeStyle: 'long', hourCycle: 'h23' });
  return [
    [text.ref, `<code>${escapeHtml(ref)}</code>`],
    [text.ends, `<time datetime="${ends.toISOString()}">${time}</time>`],
    [text.holds, `<pre>${escapeHtml(JSON.stringify(holds, null, 2))}</pre>`],
  ];
}

function renderList(rows: [name: string, value: string][]) {
  return `<dl>${rows.map(([name, value]) => `<div><dt>${name}</dt><dd>${value}</dd></div>`).join('\n')}</dl>`;
}

// Text of a user could be a script.
function escapeHtml(text: string) {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
