import { flag, type Input } from '../../command.ts';
import type { Marker } from '../../../settings/marker.ts';
import { UserError } from '../../../errors.ts';
import { verifyChoice } from '../../nearest.ts';
import { resolveNodeVersion, verifyStripsTypes } from '../dependencies.ts';
import { listStores, listTemplates } from '../layers.ts';
import { verifyReplaceable } from '../old.ts';
import { makePlan, type Plan } from '../plan.ts';
import type { Target } from '../target.ts';
import type { System } from '../../../system.ts';
import { readVersion } from '../../version.ts';
import { type Answers, defaults } from './answers.ts';
import { chooseStoreUrl } from './store-url.ts';

/** In which ways the environment that is there is not what was asked for; only what was said can differ. */
export function findDifferences(marker: Marker, answers: Answers): string[] {
  const { template = marker.template, store = marker.store, prompt = marker.prompt, node, typescript } = answers;
  const isOtherNode = node !== undefined && !`${marker.node}.`.startsWith(`${node.replace(/^v/, '')}.`);
  const differences: [isDifferent: boolean, what: string][] = [
    [template !== marker.template, `the template ${marker.template}`],
    [store !== marker.store, `the store ${marker.store}`],
    [typescript && marker.language !== 'typescript', 'JavaScript'],
    [isOtherNode, marker.node === undefined ? 'no Node.js of its own' : `Node.js ${marker.node}`],
    [prompt !== marker.prompt, `the prompt ${marker.prompt ?? 'of its directory'}`],
  ];
  return differences.filter(([isDifferent]) => isDifferent).map(([, what]) => what);
}

/** What is to be done about this target, decided before anything is done. */
export async function decide(input: Input, system: System, target: Target, answers: Answers): Promise<Plan> {
  const action = await chooseAction(input, system, target);
  const old = target.kind === 'environment' ? target.marker : undefined;
  const offline = flag(input, 'offline');
  const { prompt = old?.prompt, template = old?.template, store = old?.store } = answers;
  const language = answers.typescript ? 'typescript' : (old?.language ?? 'javascript');
  const node =
    answers.node === undefined
      ? old?.node
      : await resolveNodeVersion(system, answers.node, { offline, cancelSignal: system.catchInterrupts() });
  if (language === 'typescript') verifyStripsTypes(node ?? process.versions.node);
  const choices = await verifyChoices(template, store);
  const storeUrl = await chooseStoreUrl(choices.store, answers.storeUrl, system.env);
  const wish = {
    ...{ directory: target.directory, language, offline },
    ...choices,
    ...(storeUrl !== undefined && { storeUrl }),
    ...(node !== undefined && { node }),
    ...(prompt !== undefined && { prompt }),
    install: input.options.install !== false,
    git: flag(input, 'git'),
  } as const;
  return makePlan(wish, action, await readVersion(), old);
}

// An environment may have been made by a sessapp that has other templates than this one.
async function verifyChoices(template = defaults.template, store = defaults.store) {
  await verifyChoice('template', template, await listTemplates());
  await verifyChoice('store', store, await listStores());
  return { template, store };
}

async function chooseAction(input: Input, system: System, target: Target): Promise<Plan['action']> {
  if (target.kind === 'environment') {
    await verifyReplaceable(system, target);
    return 'clear';
  }
  if (target.kind === 'missing') return 'create';
  if (target.entries.length === 0) return 'fill';
  const { directory } = target;
  if (flag(input, 'clear')) {
    throw new UserError(
      'not-an-environment',
      `${directory} is not an environment; --clear touches nothing else.`,
      'Name an environment, or a new directory.',
    );
  }
  if (flag(input, 'allowExisting')) return 'fill';
  throw new UserError(
    'target-not-empty',
    `${directory} has files in it: ${nameSome(target.entries)}.`,
    'Name a new directory, or add --allow-existing: it adds what is missing and replaces no file.',
  );
}

function nameSome(entries: string[]): string {
  const more = entries.length - 4;
  const first = entries.sort().slice(0, 4);
  const names = first.map((name) => JSON.stringify(name).slice(1, -1));
  return names.join(', ') + (more > 0 ? ` and ${more} more` : '');
}
