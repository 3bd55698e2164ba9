import { fuzzCookies, fuzzSignatures } from './cookies.ts';
import { fuzzData } from './data.ts';
import { fuzzRecords } from './records.ts';
import { fuzzRequests } from './requests.ts';

/** Each with how many cases are tried when there is not much time. */
export const properties: [title: string, check: (cases: number) => Promise<void>, share: number][] = [
  ['any Cookie header is the one of a session, or nobody’s', fuzzCookies, 300],
  ['only what a key has signed is an id', fuzzSignatures, 300],
  ['whatever a handler keeps in a session comes back as its JSON does', fuzzData, 70],
  ['whatever a store has for a session, its client gets an answer', fuzzRecords, 70],
  ['requests at the same time lose nothing, and bring back nothing', fuzzRequests, 100],
];
