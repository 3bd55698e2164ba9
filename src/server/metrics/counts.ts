/** What a process counts, by the name of the sample in Prometheus' text format: the metric, and its labels. */
export type Counts = Record<string, number>;

/** In `data/`: what `sessapp dashboard` reads of a server. */
export const countsFile = 'counts.json';

export interface CountsState {
  pid: number;
  atMs: number;
  counts: Counts;
}

/** The metrics that are one number each. */
export const counters = {
  requests: ['sessapp_requests_total', 'Requests, also those whose client went away before the response.'],
  unavailable: ['sessapp_unavailable_responses_total', 'Responses with status 503.'],
  refused: ['sessapp_refused_requests_total', 'Requests refused because a page of another site made them.'],
  created: ['sessapp_sessions_created_total', 'Sessions that the server created.'],
  ended: ['sessapp_sessions_ended_total', 'Sessions that the application ended, or that got another id.'],
  failures: ['sessapp_store_failures_total', 'Calls to the store that failed.'],
  rotations: ['sessapp_secret_changes_total', 'Changes of the session secrets that the server followed.'],
} as const;

export type Counter = keyof typeof counters;

/** All counters at 0, so that Prometheus sees the first change of each. */
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
