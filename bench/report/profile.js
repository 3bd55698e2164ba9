/**
 * Sums the time of a CPU profile by file or function, as a share of the time that the process was busy.
 * @param keyOf the file or function of a call frame
 * @returns pairs of a key and its share, largest first
 */
export function selfTimes({ nodes, samples, timeDeltas }, keyOf) {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const sums = new Map();
  let busyMicros = 0;
  samples.forEach((id, i) => {
    const frame = frames.get(id);
    if (frame.functionName === '(idle)') return;
    const key = keyOf(frame);
    busyMicros += timeDeltas[i];
    sums.set(key, (sums.get(key) ?? 0) + timeDeltas[i]);
  });
  return [...sums].map(([key, micros]) => [key, micros / busyMicros]).sort((a, b) => b[1] - a[1]);
}

/** A short name of the file: `express/lib/response.js`, `node:http`; for a frame without a file, its name: `(garbage collector)`. */
export function fileOf({ url, functionName }) {
  if (url === '') return functionName.startsWith('(') ? functionName : '(native)';
  return url
    .replace(/^file:\/\//, '')
    .replace(/^.*\/node_modules\//, '')
    .replace(/^.*\/sessapp-\d+\//, '')
    .replace(/^\/.*\/dist\//, 'sessapp/dist/');
}

export function functionOf(frame) {
  return frame.url === ''
    ? frame.functionName
    : `${fileOf(frame)} ${frame.functionName || '(anonymous)'}:${frame.lineNumber + 1}`;
}
