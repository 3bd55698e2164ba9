// Renders docs/terminal.svg and docs/terminal.ko.svg for the READMEs, from a real run in a terminal (tmux):
// node scripts/terminal-picture.js. With --check, it writes nothing, and fails when the run differs from the pictures.
// It replaces the directory and the port of the run by those that a reader would see.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import { eastAsianWidth } from 'get-east-asian-width';

const root = join(import.meta.dirname, '..');
const columns = 100;
const rows = 24;
const patienceMs = 60_000;

const pictures = [
  { file: 'docs/terminal.svg', curl: "curl -H 'Accept-Language: en' -b jar -c jar" },
  { file: 'docs/terminal.ko.svg', curl: 'curl -b jar -c jar' },
];

for (const { file, curl } of pictures) {
  const port = await freePort();
  const screen = await record(port, [
    'sessapp init myenv',
    '. myenv/bin/activate',
    'sessapp serve --background',
    `${curl} localhost:${port}`,
    `${curl} localhost:${port}/profile`,
    'sessapp sessions list',
    'sessapp secret rotate',
    'sessapp stop',
  ]);
  const path = join(root, file);
  if (!process.argv.includes('--check')) writeFileSync(path, renderPicture(screen));
  else if (mask(renderPicture(screen)) !== mask(readFileSync(path, 'utf8'))) {
    console.error(`${file} is out of date. Type: node scripts/terminal-picture.js`);
    process.exitCode = 1;
  }
}

/** Types the commands in a shell. @returns the lines on the screen, with their escape sequences */
async function record(port, commands) {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'sessapp-picture-')));
  const work = join(directory, 'work');
  const programs = join(directory, 'programs');
  for (const folder of [work, programs]) mkdirSync(folder);
  symlinkSync(join(root, 'bin', 'sessapp.js'), join(programs, 'sessapp'));
  const env = {
    ...process.env,
    PATH: `${programs}:${process.env.PATH}`,
    PS1: '$ ',
    PORT: String(port),
    SESSAPP_STATE_DIR: join(directory, 'state'),
    LC_ALL: 'C.UTF-8',
  };
  for (const name of ['SESSAPP_ENV', 'NO_COLOR', 'FORCE_COLOR', 'CI', 'TMUX', 'npm_command']) delete env[name];
  const tmux = (...args) => spawnSync('tmux', ['-S', join(directory, 'tmux'), ...args], { env, encoding: 'utf8' });
  const type = async (line) => {
    tmux('send-keys', '-l', line);
    tmux('send-keys', 'Enter');
    await untilPrompt(() => tmux('capture-pane', '-p').stdout, line);
  };
  try {
    const size = ['-x', String(columns), '-y', String(rows)];
    tmux('-f', '/dev/null', 'new-session', '-d', ...size, '-c', work, 'bash', '--noprofile', '--norc', '-i');
    await untilPrompt(() => tmux('capture-pane', '-p').stdout);
    for (const command of commands) await type(command);
    const screen = tmux('capture-pane', '-e', '-p').stdout.trimEnd();
    return screen.replaceAll(work, '/home/ann').replaceAll(String(port), '5000').split('\n').slice(0, -1);
  } finally {
    tmux('kill-server');
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Resolves when the screen shows the typed line, and ends with a prompt that waits for the next one. */
async function untilPrompt(capture, typed = '') {
  const deadline = Date.now() + patienceMs;
  const isReady = (screen) => screen.includes(`$ ${typed}`.trimEnd()) && /(?:^|\n)(?:\(\w+\) )?\$$/.test(screen);
  while (!isReady(capture().trimEnd())) {
    if (Date.now() > deadline) throw new Error(`No prompt within ${patienceMs / 1000} s:\n${capture()}`);
    await wait(100);
  }
}

/** Removes the parts that differ between runs: ids, references, numbers, and the padding after them. */
function mask(picture) {
  const text = picture.replace(/<\/?tspan[^>]*>/g, '');
  return text.replace(/[\w-]{12}(?= +guest)|\b[\da-f]{8}\b|[\d.]+/g, 'N').replace(/ +/g, ' ');
}

function renderPicture(lines) {
  const [cell, height, margin] = [8.4, 20, 16];
  const text = lines.map((line, index) => {
    const runs = renderRuns(line, (column) => (margin + column * cell).toFixed(1));
    return `<text y="${margin + height * (index + 0.75)}">${runs}</text>`;
  });
  const [w, h] = [2 * margin + columns * cell, 2 * margin + lines.length * height];
  const typed = lines.map(stripVTControlCharacters).filter((line) => line.includes('$ '));
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${w}" height="${h}" viewBox="0 0 ${w} ${h}" role="img">
<title>${escapeXml(typed.join('; '))}</title>
<style>
text { font: 14px ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace; fill: #e6edf3; white-space: pre }
.bold { font-weight: bold } .red { fill: #ff7b72 } .cyan { fill: #76e3ea }
</style>
<rect width="100%" height="100%" rx="8" fill="#0d1117"/>
${text.join('\n')}
</svg>
`;
}

/** Renders a `tspan` for each run of characters with one style, at its column, because the widths of fonts differ. */
function renderRuns(line, xOf) {
  const sequence = new RegExp(`(${String.fromCharCode(27)}\\[[\\d;]*m)`);
  let column = 0;
  let style = {};
  let runs = '';
  for (const part of line.split(sequence)) {
    if (sequence.test(part)) style = styleAfter(style, part.slice(2, -1).split(';'));
    else if (part !== '') {
      runs += `<tspan x="${xOf(column)}" class="${Object.values(style).join(' ')}">${escapeXml(part)}</tspan>`;
      for (const character of part) column += eastAsianWidth(character.codePointAt(0));
    }
  }
  return runs.replaceAll(' class=""', '');
}

/** Reads the codes of ECMA-48 (SGR). @throws Error for a code without a style in the picture */
function styleAfter(style, codes) {
  const effects = { 0: {}, 1: { weight: 'bold' }, 31: { colour: 'red' }, 36: { colour: 'cyan' }, 39: { colour: '' } };
  let after = style;
  for (const code of codes.filter((each) => each !== '49')) {
    const effect = effects[code];
    if (!effect) throw new Error(`The picture has no style for the code ${code}.`);
    after = code === '0' ? {} : { ...after, ...effect };
  }
  return after;
}

function escapeXml(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
