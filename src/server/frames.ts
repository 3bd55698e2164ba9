import { isAbsolute, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** One call in a stack. */
export interface Frame {
  /** The name of the function, or an empty string. */
  name: string;
  /** The file's path in the environment if it belongs to the application; otherwise the location in the stack. */
  location: string;
  line: number;
  /** The absolute path of the file; undefined for code without a file, such as Node.js's own modules. */
  file: string | undefined;
  /** True for the application's own code. */
  isOwn: boolean;
}

// For a failed import, Node.js puts the location before the stack, without `at` and without a column.
const framePattern = /^(?:\s+at (?:(.*?) \()?(?:async )?|(?=file:\/\/\/))(.+?):(\d+)(?::\d+)?\)?$/gm;

/** The calls of an error's stack, the innermost first. @param directory the environment's, absolute */
export function framesOf(directory: string, error: Error): Frame[] {
  return [...callsOf(error).matchAll(framePattern)].map(([, name = '', where = '', line]) => {
    const file = toPath(where);
    const inside = file === undefined ? undefined : relative(directory, file);
    const isOwn = inside !== undefined && isOfApplication(inside);
    return { name, location: isOwn ? inside : (file ?? where), line: Number(line), file, isOwn };
  });
}

// Skips the message, which could look like a stack.
function callsOf(error: Error): string {
  const { stack = '' } = error;
  const head = String(error);
  return stack.startsWith(head) ? stack.slice(head.length) : stack;
}

function toPath(where: string): string | undefined {
  if (!where.startsWith('file:')) return isAbsolute(where) ? where : undefined;
  try {
    return fileURLToPath(where);
  } catch (error) {
    if (error instanceof TypeError || error instanceof URIError) return undefined;
    throw error;
  }
}

function isOfApplication(path: string): boolean {
  return !path.startsWith('..') && !isAbsolute(path) && !path.split(sep).includes('node_modules');
}
