const browsers: [name: string, mark: RegExp][] = [
  ['Edge', /\bEdgA?\//],
  ['Opera', /\bOPR\//],
  ['Samsung Internet', /\bSamsungBrowser\//],
  ['Firefox', /\b(Firefox|FxiOS)\//],
  ['Chrome', /\b(Chrome|CriOS|HeadlessChrome)\//],
  ['Safari', /\bSafari\//],
];

const systems: [name: string, mark: RegExp][] = [
  ['Android', /\bAndroid\b/],
  ['iPhone', /\biPhone\b/],
  ['iPad', /\biPad\b/],
  ['Windows', /\bWindows\b/],
  ['macOS', /\bMac OS X\b/],
  ['ChromeOS', /\bCrOS\b/],
  ['Linux', /\bLinux\b/],
];

const maximumLength = 80;

/** A readable name for a User-Agent, such as `Firefox, Linux`; or the start of the User-Agent, if it is unknown. */
export function browserOf(userAgent = ''): string {
  const names = [browsers, systems].map((known) => known.find(([, mark]) => mark.test(userAgent))?.[0]);
  const known = names.filter((name) => name !== undefined);
  return known.length > 0 ? known.join(', ') : userAgent.replace(/\p{C}/gu, '').slice(0, maximumLength);
}
