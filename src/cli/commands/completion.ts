import type { Command } from '../command.ts';
import { toGrammar } from '../completion/grammar.ts';
import { completedShells, renderCompletion } from '../completion/scripts.ts';
import { verifyChoice } from '../nearest.ts';

/**
 * @param loadCommands loads every command, with its name. It is a parameter, because the list of commands imports this file.
 * @param groups the summary of each group of commands
 */
export function createCommand(
  loadCommands: () => Promise<[string, Command][]>,
  groups: Record<string, string>,
): Command {
  return {
    summary: 'print a script that completes the commands and options of sessapp in a shell',
    examples: ['sessapp completion bash'],
    notes: [
      'To load it in every shell:',
      '  bash: add this line to ~/.bashrc: eval "$(sessapp completion bash)"',
      '  zsh:  add this line to ~/.zshrc, below compinit: eval "$(sessapp completion zsh)"',
      '  fish: type: mkdir -p ~/.config/fish/completions && sessapp completion fish > ~/.config/fish/completions/sessapp.fish',
    ],
    operands: [['<shell>', completedShells.join(', '), () => completedShells]],
    async run({ operands: [shell = ''] }) {
      await verifyChoice('shell', shell, completedShells);
      const script = renderCompletion(shell, toGrammar(await loadCommands(), groups));
      return { data: { shell, script }, text: script.trimEnd() };
    },
  };
}
