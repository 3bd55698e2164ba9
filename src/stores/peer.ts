import { createRequire } from 'node:module';

/**
 * Imports a module of ours that needs an optional package.
 * @param user what needs it, for the message
 * @throws Error with the package to install, when it is not there
 */
export async function importPeer<T>(user: string, name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    if (isInstalled(name)) throw error;
    const fact = `sessapp needs the package ${name} for ${user}, and it is not installed. Type: npm install ${name}`;
    throw new Error(fact, { cause: error });
  }
}

function isInstalled(name: string): boolean {
  try {
    createRequire(import.meta.url).resolve(name);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') return false;
    throw error;
  }
}
