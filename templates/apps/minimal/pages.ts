// Puts a sentence from app into a page. The style of the page is in public/style.css.
import { extname } from 'node:path';
import { promisify } from 'node:util';
import type { Request, Response } from 'express';

/** A sentence in each language of the pages. */
interface Sentence {
  ko: string;
  en: string;
}

/** Sends a sentence in the client's language. A browser gets a page, other clients, such as curl, get text. */
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

/** @returns undefined without a session. The server stores a session, and sets its cookie, once a page puts a value into it. */
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
    ends: '미사용 시 만료',
    holds: '내용',
    none: '아직 세션이 없습니다. 페이지가 세션에 값을 넣으면 시작됩니다.',
    next: '다음으로 수정할 파일',
    files: [
      [`app${js}`, '이 문장과 세션에 넣는 값'],
      [`pages${js}`, '문장을 감싸는 이 페이지'],
      ['public/style.css', '페이지 스타일'],
      [`server${js}`, '헤더, 제한, 오류 응답'],
    ],
    docs: '문서',
    reads: [
      ['README.md', '이 환경에 들어 있는 것'],
      ['.env.example', '바꿀 수 있는 설정'],
      ['sessapp --help', '모든 명령'],
      ['sessapp serve --watch', '파일을 저장하면 이 페이지가 새로 고쳐집니다'],
      ['sessapp sessions list', '이 세션을 포함한 세션 목록'],
    ],
  },
  en: {
    links: [
      ['/', 'Save a name'],
      ['/profile', 'Profile'],
    ],
    session: 'Your session',
    ref: 'Reference',
    ends: 'Expires if unused',
    holds: 'Content',
    none: 'There is no session yet. It starts when a page puts a value into it.',
    next: 'What to edit next',
    files: [
      [`app${js}`, 'this sentence, and the content of the session'],
      [`pages${js}`, 'the page around the sentence'],
      ['public/style.css', 'the style of the page'],
      [`server${js}`, 'headers, limits, and error responses'],
    ],
    docs: 'Documentation',
    reads: [
      ['README.md', 'the files of this environment'],
      ['.env.example', 'all settings'],
      ['sessapp --help', 'all commands'],
      ['sessapp serve --watch', 'reloads this page when you save a file'],
      ['sessapp sessions list', 'lists all sessions, including this one'],
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

// User input could contain a script.
function escapeHtml(text: string) {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
