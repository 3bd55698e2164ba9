import { isAbsolute, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** One call of a stack. */
export interface Frame {
  /** The function, where it has a name. */
  name: string;
  /** As the stack says it; for a file of the application, its path in the environment. */
  location: string;
  line: number;
  /** The file, absolute. Undefined for what is not in a file, such as Node.js's own modules. */
  file: string | undefined;
  /** Whether it is the application's own code. */
  isOwn: boolean;
}

// Node.js puts the line of a failed import in front of the stack, without `at` and without a column.
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

// A message can look like a stack.
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
