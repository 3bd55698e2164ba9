/** How the suite inspects a shell. Add a new shell to this list. */
export interface TestedShell {
  name: string;
  /** The folder in templates/activate. */
  family: string;
  /** Arguments that run a file of commands without the user's startup files. */
  args: string[];
  /** Arguments for an interactive shell without the user's startup files. */
  interactiveArgs: string[];
  /** The first line of every case: sets the strictest mode of the shell. */
  strict: string;
  dialect: Dialect;
  /** Prints the names of all variables, one per line. */
  names: string;
  /** Prints everything that a script can change: variables, functions, aliases, options. */
  state: string;
  /** Lines of this output that change by themselves. */
  volatile: RegExp;
}

/** The syntax of a shell family. All words are already quoted. */
export interface Dialect {
  export(name: string, word: string): string;
  unset(name: string): string;
  prependPath(word: string): string;
  /** Prints the path of a program. */
  locate(program: string): string;
  /** Sets the prompt before activation. */
  prompt(word: string): string;
  /** Prints the prompt, as far as that is possible without a terminal. */
  showPrompt: string;
  /** Defines a function that prints a word. */
  define(name: string, word: string): string;
  /** Runs commands with their output redirected to a file. */
  into(commands: string, file: string): string;
  /** Runs a command that may fail, and prints its exit code. */
  attempt(command: string): string;
  /** Runs a line in a subshell, if the shell has subshells. */
  subshell?(commands: string): string;
  /** Sets a variable that child processes do not get. */
  assign?(name: string, word: string): string;
}

const posix: Dialect = {
  export: (name, word) => `export ${name}=${word}`,
  assign: (name, word) => `${name}=${word}`,
  unset: (name) => `unset ${name}`,
  prependPath: (word) => `export PATH=${word}:"$PATH"`,
  locate: (program) => `command -v ${program}`,
  prompt: (word) => `PS1=${word}`,
  showPrompt: `printf '%s' "$PS1"`,
  define: (name, word) => `${name}() { printf '%s\\n' ${word}; }`,
  into: (commands, file) => `{ ${commands}; } >"${file}"`,
  attempt: (command) => `${command} && echo 0 || echo $?`,
  subshell: (commands) => `(${commands})`,
};

const fish: Dialect = {
  export: (name, word) => `set -gx ${name} ${word}`,
  assign: (name, word) => `set -g ${name} ${word}`,
  unset: (name) => `set -e ${name}`,
  prependPath: (word) => `set -gx PATH ${word} $PATH`,
  locate: (program) => `command -v ${program}`,
  prompt: (word) => `function fish_prompt; printf '%s' ${word}; end`,
  showPrompt: 'fish_prompt',
  define: (name, word) => `function ${name}; printf '%s\\n' ${word}; end`,
  into: (commands, file) => `begin; ${commands}; end >"${file}"`,
  attempt: (command) => `${command}; echo $status`,
};

const csh: Dialect = {
  export: (name, word) => `setenv ${name} ${word}`,
  unset: (name) => `unsetenv ${name}`,
  prependPath: (word) => `setenv PATH ${word}:"$PATH"`,
  locate: (program) => `which ${program}`,
  prompt: (word) => `set prompt = ${word}`,
  showPrompt: `printf '%s' $prompt:q`,
  // As one word, as is usual: csh itself loses the quotes between several words.
  define: (name, word) => `setenv THEIRS ${word}\nalias ${name} 'printenv THEIRS'`,
  into: (commands, file) => `( ${commands} ) > "${file}"`,
  attempt: (command) => `${command}\necho $status`,
  subshell: (commands) => `(${commands})`,
};

export const testedShells: TestedShell[] = [
  {
    name: 'bash',
    family: 'posix',
    args: ['--norc', '--noprofile'],
    interactiveArgs: ['--norc', '--noprofile', '-i'],
    strict: 'set -euo pipefail',
    dialect: posix,
    names: 'compgen -v',
    state: 'declare -p; declare -f; alias; set +o; shopt -p || :',
    volatile:
      /^declare -\S+ (_|BASH_\w*|BASHPID|DIRSTACK|EPOCH\w*|FUNCNAME|LINENO|PIPESTATUS|RANDOM|SECONDS|SRANDOM)(=|$)/,
  },
  {
    name: 'zsh',
    family: 'posix',
    args: ['-f'],
    interactiveArgs: ['-f', '-i'],
    strict: 'set -euo pipefail',
    dialect: posix,
    names: 'print -rl -- ${(k)parameters}',
    state: 'typeset -p; functions; alias -L; set -o',
    volatile: /^(typeset|export) (-\S+ )*(_|LINENO|RANDOM|SECONDS|TTYIDLE|pipestatus|status|ZSH_EVAL_CONTEXT)=/,
  },
  {
    name: 'ksh',
    family: 'posix',
    args: [],
    interactiveArgs: ['-i'],
    strict: 'set -euo pipefail',
    dialect: posix,
    names: "set | sed 's/=.*//'",
    state: 'typeset -p; typeset -f; alias; set +o',
    // A__z passes on which variables are integers, and _AST_FEATURES which Unix variant ksh emulates.
    volatile: /^(typeset .*)?(\b_|LINENO|RANDOM|SECONDS|\.sh\.\w+|A__z|_AST_FEATURES)=/,
  },
  {
    name: 'dash',
    family: 'posix',
    args: [],
    interactiveArgs: ['-i'],
    strict: 'set -eu',
    dialect: posix,
    names: "set | sed -n 's/^\\([A-Za-z_]*\\)=.*/\\1/p'",
    // dash cannot list its functions.
    state:
      'set; export -p; alias; set -o; (set +f; for name in deactivate $(grep -oh "sessapp_[a-z_]*" "$ANY_SCRIPT"); do command -v $name _$name || :; done)',
    volatile: /^_=/,
  },
  {
    name: 'fish',
    family: 'fish',
    // Interactive, because activation does not change the prompt otherwise.
    args: ['--no-config', '--interactive'],
    interactiveArgs: ['--no-config'],
    strict: '',
    dialect: fish,
    names: 'set --names',
    state: 'set --show; functions --all --names; functions --no-details fish_prompt; functions --no-details deactivate',
    volatile: /^\$(_|status|pipestatus|status_generation|CMD_DURATION|history|COLUMNS|LINES)\b|^ {4}'/,
  },
  {
    name: 'tcsh',
    family: 'csh',
    args: ['-f'],
    interactiveArgs: ['-f', '-i'],
    strict: '',
    dialect: csh,
    names: "set | sed 's/\\t.*//'",
    state: 'set; alias',
    volatile: /^(_|status)\t/,
  },
];
