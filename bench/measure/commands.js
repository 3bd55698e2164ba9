import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import { start } from './processes.js';

/**
 * Measures the time from the start of a command to its exit, in seconds.
 * @throws when it fails: the message contains its output
 */
export async function timeCommand(file, args, options = {}) {
  const startMs = performance.now();
  const child = start(file, args, { stdio: ['ignore', 'ignore', 'pipe'], ...options });
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  const [code, signal] = await once(child, 'exit');
  const seconds = (performance.now() - startMs) / 1000;
  if (code !== 0) throw new Error(`${file} ${args.join(' ')} exited with ${signal ?? code}:\n${stderr}`);
  return { seconds };
}
