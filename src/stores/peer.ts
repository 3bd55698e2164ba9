import { createRequire } from 'node:module';

/**
 * Imports a module of sessapp that needs an optional peer dependency.
 * @param user the store that needs it, for the message
 * @throws Error that names the package to install, when it is not installed
 */
export async function importPeer<T>(user: string, name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    if (isInstalled(name)) throw error;
    const fact = `sessapp needs the package ${name} for ${user}, but it is not installed. Type: npm install ${name}`;
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
