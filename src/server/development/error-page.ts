import { inspect } from 'node:util';
import type { Request } from 'express';
import { type Frame, framesOf } from '../frames.ts';
import { type CodeLine, readCodeFrame } from './code-frame.ts';
import { escapeHtml, renderPage } from './html.ts';

/** Only the first causes of an error are shown. */
const mostCauses = 5;

interface Failure {
  error: unknown;
  /** Such as `500 Internal Server Error`. */
  status: string;
  req: Request;
  /** The environment's, absolute. */
  directory: string;
}

/** Renders an error as a page for the developer: the message, the line of the application, and the stack. */
export async function renderErrorPage({ error, status, req, directory }: Failure): Promise<string> {
  const [first = '', ...causes] = await Promise.all(
    withCauses(error).map((thrown, at) => renderThrown(thrown, directory, at === 0 ? 'h1' : 'h2')),
  );
  const where = `${req.method} ${req.originalUrl}`;
  const body = `<p>${escapeHtml(status)} at <code>${escapeHtml(where)}</code></p>
${first}
${causes.map((cause) => `<section>\n<p>Caused by</p>\n${cause}\n</section>`).join('\n')}
<footer>You see this page only in development. With <code>NODE_ENV=production</code> a client gets only the status. The log also has this error.</footer>`;
  return renderPage(describeThrown(error).split('\n')[0] ?? status, body);
}

/** Describes a thrown value without its stack. It can be a value that is not an Error. */
export function describeThrown(thrown: unknown): string {
  if (thrown instanceof Error) return String(thrown);
  return typeof thrown === 'string' ? thrown : inspect(thrown);
}

function withCauses(error: unknown): unknown[] {
  const found = new Set([error]);
  for (const thrown of found) {
    const { cause, errors } = Object(thrown) as { cause?: unknown; errors?: unknown };
    for (const next of [cause, ...(Array.isArray(errors) ? errors : [])])
      if (next !== undefined && found.size <= mostCauses) found.add(next);
  }
  return [...found];
}

async function renderThrown(thrown: unknown, directory: string, heading: 'h1' | 'h2'): Promise<string> {
  const frames = thrown instanceof Error ? framesOf(directory, thrown) : [];
  const own = frames.filter(({ isOwn }) => isOwn);
  const [first] = own;
  const code = first ? renderCode(first, await readCodeFrame(first)) : '';
  const others = frames.length - own.length;
  return `<${heading}>${escapeHtml(describeThrown(thrown))}</${heading}>
${code}
${own.length === 0 ? '' : renderFrames(own)}
${others === 0 ? '' : `<details>\n<summary>All ${frames.length} calls</summary>\n${renderFrames(frames)}\n</details>`}`;
}

function renderCode({ location, line }: Frame, lines: CodeLine[]): string {
  if (lines.length === 0) return '';
  const width = String(lines.at(-1)?.number).length;
  const rows = lines.map(({ number, text, isErrorLine }) => {
    const row = `${isErrorLine ? '>' : ' '} ${String(number).padStart(width)}  ${escapeHtml(text)}`;
    return isErrorLine ? `<mark>${row}</mark>` : row;
  });
  const name = escapeHtml(`${location}:${line}`);
  // tabindex makes it focusable, so that a keyboard can scroll it.
  return `<figure>
<figcaption><code>${name}</code></figcaption>
<pre tabindex="0" role="region" aria-label="The code at ${name}"><code>${rows.join('\n')}</code></pre>
</figure>`;
}

function renderFrames(frames: Frame[]): string {
  const items = frames.map(({ name, location, line, isOwn }) => {
    const text = `${escapeHtml(name || 'anonymous')} <code>${escapeHtml(`${location}:${line}`)}</code>`;
    return `<li>${isOwn ? `<strong>${text}</strong>` : text}</li>`;
  });
  return `<ol>${items.join('\n')}</ol>`;
}
