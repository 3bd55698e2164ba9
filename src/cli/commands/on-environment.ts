import { type Command, type Context, environmentOperand, environmentOption, type Input, text } from '../command.ts';
import { type Environment, findEnvironment, promptOf } from '../environment/find.ts';
import type { Report } from '../output.ts';

/** What a command on an environment works with. */
export interface Work extends Context {
  input: Input;
  environment: Environment;
  /** The environment's name, as a person is told it. */
  name: string;
}

interface EnvironmentCommand extends Pick<Command, 'summary' | 'examples' | 'operands' | 'options'> {
  /** @throws UsageError before an environment is looked for */
  verify?(input: Input, context: Context): unknown;
  run(work: Work): Promise<Report>;
}

/**
 * A command on an environment whose `sessapp.json` can be read: the one of `-e`, or of its operand where it takes no
 * other operands.
 */
export function onEnvironment({ operands, options = [], verify, run, ...command }: EnvironmentCommand): Command {
  return {
    ...command,
    operands: operands ?? [environmentOperand],
    options: [environmentOption, ...options],
    isHandedOver: true,
    async run(input, context) {
      await verify?.(input, context);
      const named = operands ? [] : [input.operands[0]];
      const environment = await findEnvironment(context.system, ...named, text(input, 'env'));
      return run({ ...context, input, environment, name: context.output.style.bold(promptOf(environment)) });
    },
  };
}
