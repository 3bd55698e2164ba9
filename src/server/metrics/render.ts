import { type Counts, counters } from './counts.ts';
import { latencyMetric } from './latency.ts';

export const contentType = 'text/plain; version=0.0.4; charset=utf-8';

/**
 * Renders the text format of Prometheus: https://prometheus.io/docs/instrumenting/exposition_formats/
 * It does not use prom-client, which sums only live workers: its counters decrease when a worker is replaced.
 */
export function renderCounts(counts: Counts): string {
  const single = Object.values(counters).map(
    ([name, help]) => `${renderHead(name, 'counter', help)}${name} ${counts[name] ?? 0}\n`,
  );
  const calls = Object.entries(counts).filter(([name]) => name.startsWith(latencyMetric));
  const head = renderHead(latencyMetric, 'histogram', 'The duration of calls to the store.');
  const lines = calls.map(([name, count]) => `${name} ${count}\n`);
  return [...single, ...(lines.length > 0 ? [head, ...lines] : [])].join('');
}

function renderHead(name: string, type: string, help: string): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
}
