/** The counts of a process. A key is the name of a sample in Prometheus' text format: the metric and its labels. */
export type Counts = Record<string, number>;

/** The file in `data/` from which `sessapp dashboard` reads a server's counts. */
export const countsFile = 'counts.json';

export interface CountsState {
  pid: number;
  atMs: number;
  counts: Counts;
}

/** The metrics that are a single number: their names and help texts. */
export const counters = {
  requests: ['sessapp_requests_total', 'Requests, including those whose client disconnected before the response.'],
  unavailable: ['sessapp_unavailable_responses_total', 'Responses with status 503.'],
  refused: ['sessapp_refused_requests_total', 'Requests refused because they came from a page of another site.'],
  created: ['sessapp_sessions_created_total', 'Sessions that the server created.'],
  ended: ['sessapp_sessions_ended_total', 'Sessions that the application ended, or that got a new id.'],
  failures: ['sessapp_store_failures_total', 'Calls to the store that failed.'],
  rotations: ['sessapp_secret_changes_total', 'Changes of the session secrets that the server applied.'],
} as const;

export type Counter = keyof typeof counters;

/** Starts all counters at 0, so that Prometheus sees the first change of each. */
export function createCounts(): Counts {
  return Object.fromEntries(Object.values(counters).map(([name]) => [name, 0]));
}

export function add(counts: Counts, counter: Counter): void {
  const [name] = counters[counter];
  counts[name] = (counts[name] ?? 0) + 1;
}

export function countRequest(counts: Counts, status: number): void {
  add(counts, 'requests');
  if (status === 503) add(counts, 'unavailable');
}

export function sumCounts(all: Counts[]): Counts {
  const sum = createCounts();
  for (const counts of all) for (const [name, count] of Object.entries(counts)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}
