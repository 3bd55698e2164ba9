# Activates this environment in Nushell (0.101 or newer). Use it as an overlay; executing it cannot change your shell:
#
#     overlay use myenv/bin/activate.nu
#
# While the environment is active:
# - SESSAPP_ENV is its directory, and SESSAPP_PROMPT is the text in front of the prompt.
# - Its programs come first in PATH.
# - NODE_PATH is hidden, so that Node.js loads no module from outside.
# `deactivate` hides the overlay and so restores everything, but keeps your current directory. If you used the overlay
# `as` another name, hide it by that name. SESSAPP_DISABLE_PROMPT=1 keeps the prompt unchanged.
#
# This file contains no path: Nushell reports where the file is. The directory can be moved or copied.

export-env {
    const script = path self

    let directory = ($script | path dirname | path dirname)
    if not ($directory | path join 'sessapp.json' | path exists) {
        error make --unspanned { msg: $"sessapp: ($script) is not in an environment: its sessapp.json is missing." }
    }
    if ($directory | str contains (char esep)) {
        error make --unspanned {
            msg: $"sessapp: ($directory) cannot be activated: a (char esep) in its name separates entries in PATH."
            help: 'Rename the directory (moving it is safe), or use it without activation: sessapp run'
        }
    }

    # Read the text for the prompt: one line, without control characters.
    let prompt_file = ($directory | path join 'bin' 'prompt.txt')
    let lines = if ($prompt_file | path exists) { open --raw $prompt_file | lines } else { [] }
    let line = ($lines | append '' | first)
    let name = if ($line | is-empty) { $directory | path basename } else { $line }
    let text = ($name | str replace --all --regex '[[:cntrl:]]' '?')

    let path_name = if 'Path' in $env { 'Path' } else { 'PATH' }
    let programs = [
        ($directory | path join 'bin')
        ($directory | path join 'node_modules' '.bin')
    ]
    load-env (
        { SESSAPP_ENV: $directory, SESSAPP_PROMPT: $text }
        | insert $path_name ($env | get $path_name | prepend $programs)
    )
    hide-env --ignore-errors NODE_PATH

    # The text needs no escaping: Nushell does not evaluate the output of a prompt command.
    if ($env.SESSAPP_DISABLE_PROMPT? | default '' | is-empty) {
        let prefix = $"\(($text)\) "
        let old_prompt = ($env.PROMPT_COMMAND? | default '')
        $env.PROMPT_COMMAND = if ($old_prompt | describe | str starts-with 'closure') {
            {|| $prefix + (do $old_prompt) }
        } else {
            {|| $prefix + $old_prompt }
        }
    }
}

# Without --keep-env, hiding the overlay would also change back to an earlier directory.
export alias deactivate = overlay hide --keep-env [PWD] activate
export alias sessapp_deactivate = overlay hide --keep-env [PWD] activate

# Runs only when the file is executed.
def main [] {
    const script = path self
    error make --unspanned {
        msg: 'sessapp: This script was executed, so it cannot change your shell.'
        help: $"Use it as an overlay: overlay use ($script | to nuon)"
    }
}
