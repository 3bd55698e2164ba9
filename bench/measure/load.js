import { sendLoad, writeRequests } from '../load/wrk.js';
import { cpuMicrosOf, memoryOf } from './processes.js';

/** Until then the engine compiles what is used; a server that is slow anyway is not waited for. */
const warmUpResponses = 6000;
const warmUpSeconds = 4;

/**
 * What measures a server under a load, after a warm-up.
 * @param requests pairs of a path and a cookie, sent in turn
 * @param bodies what may be answered
 * @param seconds how long, but for a quick run
 * @returns a function that sends the load once
 */
export async function createMeasure(bench, server, { requests, bodies, seconds, pinned }) {
  const file = bench.workshop.path(`requests-${server.pid}-${requests[0][0].slice(1)}.txt`);
  await writeRequests(file, requests);
  const measure = (time) => measureLoad(server, { file, bodies, seconds: time, pinned });
  await warmUp(() => measure(1), bench.seconds(warmUpSeconds));
  return () => measure(bench.seconds(seconds));
}

async function warmUp(measureSecond, longest) {
  let responses = 0;
  for (let time = 0; time < longest && responses < warmUpResponses; time += 1) {
    responses += (await measureSecond()).requestsPerSecond;
  }
}

/**
 * What a server does under load, and what each answer costs it: its own processor time, and beside it that of the
 * store that it talks to.
 */
async function measureLoad(server, { file, bodies, seconds, pinned }) {
  const before = { cpu: cpuMicrosOf(server.pid), store: storeMicros(server) };
  const { requests, ...figures } = await sendLoad(server.url, file, bodies, seconds, pinned);
  const after = { cpu: cpuMicrosOf(server.pid), store: storeMicros(server) };
  return {
    cpuMicros: (after.cpu - before.cpu) / requests,
    ...(server.store && { storeMicros: (after.store - before.store) / requests }),
    ...figures,
    ...memoryOf(server.pid),
  };
}

function storeMicros({ store }) {
  return store ? cpuMicrosOf(store.pid) : 0;
}
