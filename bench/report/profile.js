/**
 * Where the time of a CPU profile went: the part of each place in the time that the process was busy.
 * @param placeOf what a call frame counts for
 * @returns pairs of a place and its part, the largest first
 */
export function selfTimes({ nodes, samples, timeDeltas }, placeOf) {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const sums = new Map();
  let busyMicros = 0;
  samples.forEach((id, i) => {
    const frame = frames.get(id);
    if (frame.functionName === '(idle)') return;
    const place = placeOf(frame);
    busyMicros += timeDeltas[i];
    sums.set(place, (sums.get(place) ?? 0) + timeDeltas[i]);
  });
  return [...sums].map(([place, micros]) => [place, micros / busyMicros]).sort((a, b) => b[1] - a[1]);
}

/** `express/lib/response.js`, `session/records.js`, `node:http`; what has no file by its name: `(garbage collector)`. */
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
