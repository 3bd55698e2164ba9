import { fuzzCookies, fuzzSignatures } from './cookies.ts';
import { fuzzData } from './data.ts';
import { fuzzRecords } from './records.ts';
import { fuzzRequests } from './requests.ts';

/** Each property with the number of cases for a short run. */
export const properties: [title: string, check: (cases: number) => Promise<void>, share: number][] = [
  ['any Cookie header belongs to one session or to none', fuzzCookies, 300],
  ['only a signed value is accepted as an id', fuzzSignatures, 300],
  ['any value that a handler keeps in a session comes back as its JSON does', fuzzData, 70],
  ['whatever a store returns for a session, its client gets a response', fuzzRecords, 70],
  ['concurrent requests lose no change and restore no destroyed session', fuzzRequests, 100],
];
