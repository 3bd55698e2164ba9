# Activates this environment in Nushell (0.101 or newer). Use it as an overlay; it cannot work when executed:
#
#     overlay use myenv/bin/activate.nu
#
# While active: SESSAPP_ENV is the environment's directory, SESSAPP_PROMPT the text in front of the prompt,
# the environment's programs come first in PATH, and NODE_PATH is hidden so that no module comes from outside.
# `deactivate` hides the overlay, and with it everything that it changed; where you are by then stays.
# (Used `as` another name, the overlay has to be hidden by that name.) SESSAPP_DISABLE_PROMPT=1 leaves the prompt alone.
#
# No path is written in here: Nushell says where this file is, so the directory can be moved or copied.

export-env {
    const script = path self

    let directory = ($script | path dirname | path dirname)
    if not ($directory | path join 'sessapp.json' | path exists) {
        error make --unspanned { msg: $"sessapp: there is no environment around ($script): its sessapp.json is missing." }
    }
    if ($directory | str contains (char esep)) {
        error make --unspanned {
            msg: $"sessapp: ($directory) cannot be activated: a (char esep) in its name would split it in PATH."
            help: 'Rename the directory (it can be moved as it is), or do without activation: sessapp run'
        }
    }

    # The text for the prompt: one line, without control characters.
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

    # Nushell evaluates nothing in what a prompt command returns.
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

# Without --keep-env, hiding an overlay would also go back to the directory one was in before.
export alias deactivate = overlay hide --keep-env [PWD] activate
export alias sessapp_deactivate = overlay hide --keep-env [PWD] activate

# Runs only when the file is executed.
def main [] {
    const script = path self
    error make --unspanned {
        msg: 'sessapp: executed, this script cannot change your shell.'
        help: $"Use it as an overlay: overlay use ($script | to nuon)"
    }
}
