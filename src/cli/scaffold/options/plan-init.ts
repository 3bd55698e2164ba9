import { UserError } from '../../../errors.ts';
import type { Language, Marker } from '../../../settings/marker.ts';
import type { System } from '../../../system.ts';
import { resolveNodeVersion, verifyStripsTypes } from '../dependencies.ts';
import { makePlan, type Plan } from '../plan.ts';
import type { Target } from '../target.ts';
import { defaults, type InitOptions } from './init-options.ts';
import { chooseStoreUrl } from './store-url.ts';

/** How the existing environment differs from the given options. Options that were not given cannot differ. */
export function findDifferences(marker: Marker, options: InitOptions): string[] {
  const { template = marker.template, store = marker.store, prompt = marker.prompt, node, typescript } = options;
  const isOtherNode = node !== undefined && !`${marker.node}.`.startsWith(`${node.replace(/^v/, '')}.`);
  const differences: [isDifferent: boolean, what: string][] = [
    [template !== marker.template, `the template ${marker.template}`],
    [store !== marker.store, `the store ${marker.store}`],
    [typescript && marker.language !== 'typescript', 'JavaScript'],
    [isOtherNode, marker.node === undefined ? 'no Node.js of its own' : `Node.js ${marker.node}`],
    [prompt !== marker.prompt, marker.prompt === undefined ? 'the default prompt' : `the prompt ${marker.prompt}`],
  ];
  return differences.filter(([isDifferent]) => isDifferent).map(([, what]) => what);
}

/** Makes the plan for a target that is not an environment yet. It changes nothing. */
export async function planInit(
  system: System,
  target: Exclude<Target, { kind: 'environment' }>,
  options: InitOptions,
): Promise<Plan> {
  const action = chooseAction(target, options);
  const { prompt, template = defaults.template, store = defaults.store, offline, install, git } = options;
  const language: Language = options.typescript ? 'typescript' : 'javascript';
  const node = options.node === undefined ? undefined : await resolveNodeVersion(system, options.node, offline);
  if (language === 'typescript') verifyStripsTypes(node ?? process.versions.node);
  const storeUrl = await chooseStoreUrl(store, options.storeUrl, system.env);
  const variant = { template, store, language, node };
  return makePlan({ directory: target.directory, ...variant, storeUrl, prompt, offline, install, git }, action);
}

function chooseAction(
  target: Exclude<Target, { kind: 'environment' }>,
  { allowExisting }: InitOptions,
): Plan['action'] {
  if (target.kind === 'missing') return 'create';
  if (target.entries.length === 0 || allowExisting) return 'fill';
  throw new UserError(
    'target-not-empty',
    `${target.directory} contains files: ${nameSome(target.entries)}.`,
    'Choose a new directory, or use --allow-existing, which adds the missing files and replaces none.',
  );
}

function nameSome(entries: string[]): string {
  const more = entries.length - 4;
  const first = entries.sort().slice(0, 4);
  const names = first.map((name) => JSON.stringify(name).slice(1, -1));
  return names.join(', ') + (more > 0 ? ` and ${more} more` : '');
}
