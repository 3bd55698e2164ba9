import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { packCarried } from '../../../src/cli/scaffold/carried.ts';
import { listTemplates, type Variant } from '../../../src/cli/scaffold/layers.ts';
import { renderFiles } from '../../../src/cli/scaffold/plan.ts';
import { languages } from '../../../src/settings/marker.ts';
import { storeKinds } from '../../../src/settings/stores.ts';

/** A package-lock.json. */
export interface Locked {
  packages: Record<string, { resolved?: string; integrity?: string; version?: string }>;
}

/** Every combination of template, store and language. */
export const variants: Variant[] = listTemplates().flatMap((template) =>
  Object.keys(storeKinds).flatMap((store) => languages.map((language) => ({ template, store, language }))),
);

/** Writes the generated files like `init --no-install`, but also for TypeScript on an old Node.js. */
export function writeVariant(directory: string, variant: Variant): void {
  for (const [path, content] of renderFiles({ ...variant, directory }, packCarried())) {
    const file = join(directory, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
}
