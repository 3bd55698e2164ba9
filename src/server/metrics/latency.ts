import type { Counts } from './counts.ts';

export const latencyMetric = 'sessapp_store_call_seconds';
/** Upper bounds, in seconds. The deadline of a call is 2 s. */
const bounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

/** Adds a call to the histogram. Each bucket counts the calls that took no longer than its bound. */
export function observeCall(counts: Counts, call: string, ms: number): void {
  const seconds = ms / 1000;
  const increase = (suffix: string, labels: string, by: number): void => {
    const name = `${latencyMetric}_${suffix}{call="${call}"${labels}}`;
    counts[name] = (counts[name] ?? 0) + by;
  };
  for (const bound of bounds) increase('bucket', `,le="${bound}"`, seconds <= bound ? 1 : 0);
  increase('bucket', ',le="+Inf"', 1);
  increase('sum', '', seconds);
  increase('count', '', 1);
}
