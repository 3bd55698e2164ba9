// Compares sessapp with its peers: npm run bench -- [--quick] [part…]. README.md describes the parts.
// With --render it only renders the page and the chart again, and measures nothing.
import { parseArgs } from 'node:util';
import { parts } from './parts/index.js';
import { resultsDirectory, writeReport, writeResult } from './report/files.js';
import { renderPart } from './report/page.js';
import { toResult } from './report/results.js';
import { renderGoals } from './report/table.js';
import { createBench } from './setup/bench.js';
import { readCircumstances } from './setup/circumstances.js';
import { createWorkspace } from './setup/workspace.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean', default: false }, render: { type: 'boolean', default: false } },
});
const unknown = positionals.find((name) => !(name in parts));
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130));

if (unknown !== undefined) {
  console.error(`'${unknown}' is not a valid part. Choose one of: ${Object.keys(parts).join(', ')}`);
  process.exitCode = 2;
} else if (values.render) {
  await writeReport(resultsDirectory(values.quick));
} else {
  await runParts(positionals.length > 0 ? positionals : Object.keys(parts), values.quick);
}

async function runParts(names, quick) {
  const bench = await createBench({ quick, say: (text) => console.error(text) });
  const directory = resultsDirectory(quick);
  const results = [];
  for (const name of names) {
    const result = await runPart(name, bench);
    await writeResult(directory, result);
    results.push(result);
    console.log(`${renderPart(result)}\n`);
  }
  console.log(renderGoals(results));
  console.error(`Written to ${directory}`);
}

async function runPart(name, bench) {
  const circumstances = await readCircumstances(bench);
  const workspace = await createWorkspace();
  const startMs = Date.now();
  const say = (text) => bench.say(`${name}, ${Math.round((Date.now() - startMs) / 1000)} s: ${text}`);
  try {
    const measured = await parts[name].run({ ...bench, workspace, say, onRound: (round) => say(`round ${round}`) });
    return toResult(name, measured, circumstances);
  } finally {
    await workspace.clear();
  }
}
