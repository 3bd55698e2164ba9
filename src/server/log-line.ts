/** In characters. In a longer line, each text is cut to this length; a stack may be longer. */
const lineLength = 4096;
const textLength = 1000;
const stackLength = 8000;
/** A line that is still longer has many fields, and keeps only the main ones. */
const longestLength = 16_384;

interface Line {
  level: number;
  time: number;
  pid?: number;
  msg?: string;
  req?: { method: string; url: string };
  res?: { statusCode: number };
  responseTime?: number;
  err?: { stack?: string };
}

export const completed = 'request completed';
export const aborted = 'request aborted';

/** Limits the length of a JSON log line, whatever clients send or the application logs. */
export function bound(json: string): string {
  if (json.length <= lineLength) return json;
  const line = JSON.parse(json) as Line;
  const cut = `${JSON.stringify(line, cutTexts)}\n`;
  if (cut.length <= longestLength) return cut;
  const { level, time, pid, msg } = line;
  return `${JSON.stringify({ level, time, pid, msg, isCut: true }, cutTexts)}\n`;
}

function cutTexts(key: string, value: unknown): unknown {
  const limit = key === 'stack' ? stackLength : textLength;
  if (typeof value !== 'string' || value.length <= limit) return value;
  return `${value.slice(0, limit)}… (${value.length} characters)`;
}

/** Renders a log line as text for people. */
export function toText(json: string): string {
  const { time, msg = '', req, res, responseTime, err } = JSON.parse(json) as Line;
  const clock = new Date(time).toTimeString().slice(0, 8);
  const isRequest = req && (msg === completed || msg === aborted);
  const status = msg === aborted ? 'aborted' : res?.statusCode;
  const what = isRequest ? `${req.method} ${req.url} ${status} ${responseTime} ms` : msg;
  return `${clock} ${what}${err?.stack ? `\n${err.stack}` : ''}\n`;
}

/** Escapes control characters. Clients can send some beyond ASCII, such as U+009B, which JSON does not escape. */
export function escapeControls(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]/gu, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
