import { type Command, type Context, environmentOperand, environmentOption, type Input, text } from '../command.ts';
import { type Environment, findEnvironment, promptOf } from '../environment/find.ts';
import type { Report } from '../output.ts';

/** The input of a command on an environment. */
export interface Work extends Context {
  input: Input;
  environment: Environment;
  /** The environment's name for messages. */
  name: string;
}

interface EnvironmentCommand extends Pick<Command, 'summary' | 'examples' | 'notes' | 'operands' | 'options'> {
  /** Checks the command line before the environment is looked for. @throws UsageError */
  verify?(input: Input, context: Context): unknown;
  run(work: Work): Promise<Report>;
}

/**
 * Creates a command that works on an environment with a valid `sessapp.json`. The environment is named by `-e`, or by
 * `[dir]` if the command has no operands of its own.
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
