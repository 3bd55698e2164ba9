import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { packageDirectory } from '../package.ts';
import { languageOf, messages } from './messages.ts';

export interface Asset {
  type: string;
  content: string;
}

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};
const directory = join(packageDirectory, 'dist', 'cli', 'dashboard');

/** The files of the page, by their URL paths. */
export async function readAssets(): Promise<Map<string, Asset>> {
  const names = await readdir(directory);
  const read = names.map(async (name): Promise<[string, Asset]> => {
    const content = await readFile(join(directory, name), 'utf8');
    return [name === 'page.html' ? '/' : `/${name}`, { type: types[extname(name)] ?? 'text/plain', content }];
  });
  return new Map(await Promise.all(read));
}

/** The page in the language that the client prefers. */
export function translate({ type, content }: Asset, acceptLanguage: string | undefined): Asset {
  const language = languageOf(acceptLanguage);
  const texts: Record<string, string> = messages[language];
  const values: Record<string, string> = { ...texts, messages: JSON.stringify(texts) };
  const page = content.replace('<html lang="en">', `<html lang="${language}">`);
  return { type, content: page.replace(/\{\{(\w+)\}\}/g, (_, name: string) => escapeHtml(values[name] ?? name)) };
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
