import { join } from 'node:path';

/** The built templates, which are data to the tool. The same path from src/ and from dist/. */
export const templatesDirectory = join(import.meta.dirname, '..', 'dist', 'templates');
