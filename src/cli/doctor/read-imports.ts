import { readFile } from 'node:fs/promises';

// A text that only looks like an import does no harm: it is told when it would be found outside, or nowhere.
const imports =
  /^\s*(?:import|export)\s+(?!type\b)(?:[^'"`;]*?\bfrom\s*)?['"]([^'"\n\0]+)['"]|\b(?:import|require)\(\s*['"]([^'"\n\0]+)['"]/gm;

/** What a file of code imports: packages, paths, addresses. */
export async function readImports(path: string): Promise<string[]> {
  const text = (await readFile(path, 'utf8')).replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
  return [...new Set([...text.matchAll(imports)].map(([, statement, call]) => statement ?? call ?? ''))];
}
