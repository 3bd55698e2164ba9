import { sendLoad, writeRequests } from '../load/wrk.js';
import { cpuMicrosOf, memoryOf } from './processes.js';

/** The warm-up, in which the engine compiles the code. It ends after this many responses, or after this time. */
const warmUpResponses = 6000;
const warmUpSeconds = 4;

/**
 * Creates a function that measures a server under a load, after a warm-up.
 * @param requests pairs of a path and a cookie, sent in turn
 * @param bodies the expected response bodies
 * @param seconds the duration, except in a quick run
 * @returns a function that sends the load once
 */
export async function createMeasure(bench, server, { requests, bodies, seconds, pinned }) {
  const file = bench.workspace.path(`requests-${server.pid}-${requests[0][0].slice(1)}.txt`);
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
 * Measures a server under load: its responses, the CPU time of the server for each response, and separately the CPU time
 * of its store.
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
