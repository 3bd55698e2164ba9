// The texts of the page: messages that the server put into it, and numbers and times in its language.
const messages = JSON.parse(document.body.dataset.messages);
const { lang } = document.documentElement;
const relative = new Intl.RelativeTimeFormat(lang, { numeric: 'auto' });
const absolute = new Intl.DateTimeFormat(lang, { dateStyle: 'medium', timeStyle: 'medium' });
const clock = new Intl.DateTimeFormat(lang, { timeStyle: 'medium' });
const number = new Intl.NumberFormat(lang, { maximumFractionDigits: 1 });
const units = Object.entries({ day: 86_400_000, hour: 3_600_000, minute: 60_000, second: 1000 });

/** A message, with `{0}` and so on replaced by values. */
export function t(name, ...values) {
  return messages[name].replace(/\{(\d)\}/g, (_, place) => values[place]);
}

export const renderNumber = (value) => number.format(value);
export const renderTime = (time) => absolute.format(new Date(time));
export const renderClock = (ms) => clock.format(new Date(ms));

/** `3 minutes ago`. */
export function renderDistance(time, nowMs) {
  const awayMs = new Date(time).getTime() - nowMs;
  const [unit, unitMs] = units.find(([, ms]) => Math.abs(awayMs) >= ms) ?? ['second', 1000];
  return relative.format(Math.trunc(awayMs / unitMs), unit);
}

export function renderSize(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 1e6 ? `${number.format(bytes / 1000)} kB` : `${number.format(bytes / 1e6)} MB`;
}
