# Activates this environment in fish (3.1 or newer). Source it; it cannot work when executed:
#
#     source myenv/bin/activate.fish
#
# While active: SESSAPP_ENV is the environment's directory, SESSAPP_PROMPT the text in front of the prompt,
# the environment's programs come first in PATH, and NODE_PATH is unset so that no module comes from outside.
# `deactivate` puts everything back, and so does `sessapp_deactivate`, which is its other name: a Python
# virtualenv that is activated on top of this one takes `deactivate` for itself and removes it when it ends.
# SESSAPP_DISABLE_PROMPT=1 leaves the prompt alone.
#
# No path is written in here: the script asks the shell where it is, so the directory can be moved or copied.

# Prints the directory above the folder of this file, if that is an environment.
function _sessapp_find_environment --argument-names script
    # Through a pipe, `string` would take a path with a newline for two.
    set -l path (realpath -- $script | string collect)
    set -l directory (string replace -r '/[^/]*/[^/]*\z' '' -- $path | string collect)
    if not test -e "$directory/sessapp.json"
        echo 'sessapp: there is no environment around this script: its sessapp.json is missing.' >&2
        return 1
    end
    if string match -q '*:*' -- $directory
        echo "sessapp: $directory cannot be activated: a colon in its name would split it in PATH." >&2
        echo 'Rename the directory (it can be moved as it is), or do without activation: sessapp run' >&2
        return 1
    end
    printf '%s\n' $directory
end

set -l _sessapp_script (status filename | string collect)
if not set -l _sessapp_directory (_sessapp_find_environment $_sessapp_script | string collect)
    or test -z "$_sessapp_directory"
    functions -e _sessapp_find_environment
    exit 1
end
functions -e _sessapp_find_environment

# Only a file that is sourced has somebody who called it.
if not status is-interactive; and not status stack-trace | string match -q '*'
    echo 'sessapp: executed, this script cannot change your shell. Source it:' >&2
    echo "  source '"(string replace -ra "[\\\\']" '\\\\$0' -- "$_sessapp_directory/bin/activate.fish" | string collect)"'" >&2
    exit 1
end

# An environment that is active in this very shell ends first. SESSAPP_ENV would not do to tell: a shell
# inside an activated one inherits it, but has nothing to deactivate.
if functions -q sessapp_deactivate
    sessapp_deactivate
end

# --- What stays while the environment is active -----------------------------------------------------------

function sessapp_deactivate -d 'Leave the environment of a session server'
    for entry in $_SESSAPP_ACTIVE/bin $_SESSAPP_ACTIVE/node_modules/.bin
        # One entry, the first that matches: what else was added in the meantime stays.
        set -l index (contains -i -- $entry $PATH)
        and set -e PATH[$index]
    end
    for name in NODE_PATH SESSAPP_ENV SESSAPP_PROMPT
        _sessapp_restore $name
    end
    _sessapp_restore_prompt
    _sessapp_restore_deactivate
    set -e _SESSAPP_ACTIVE
    functions -e _sessapp_restore _sessapp_restore_prompt _sessapp_restore_deactivate _sessapp_is_ours sessapp_deactivate
end

# Gives a variable back its value, or its absence; what was kept begins with the options to set it with.
function _sessapp_restore --argument-names name
    set -l kept _SESSAPP_OLD_$name
    set -eg $name
    if set -qg $kept
        set $$kept[1][1] $name $$kept[1][2..-1]
        set -eg $kept
    end
end

# A prompt that was put on top of ours (by a virtualenv) goes on calling ours, which then adds nothing.
function _sessapp_restore_prompt
    _sessapp_is_ours fish_prompt _SESSAPP_ACTIVE
    or return 0
    functions -e fish_prompt
    functions -c _sessapp_old_fish_prompt fish_prompt
    functions -e _sessapp_old_fish_prompt
end

# The deactivate that was there before comes back, unless a newer one has taken the name.
function _sessapp_restore_deactivate
    if _sessapp_is_ours deactivate sessapp_deactivate
        functions -e deactivate
    end
    if functions -q _sessapp_old_deactivate
        functions -q deactivate
        or functions -c _sessapp_old_deactivate deactivate
        functions -e _sessapp_old_deactivate
    end
end

# Whether a function is the one from this file: ours speaks of something that no other one does.
function _sessapp_is_ours --argument-names name word
    functions -q $name
    and functions $name | string match -q "*$word*"
end

# --- Activation --------------------------------------------------------------------------------------------

# Remembers a variable for _sessapp_restore.
function _sessapp_keep --argument-names name
    set -eg _SESSAPP_OLD_$name
    set -qg $name
    or return 0
    set -l options -gu
    set -qgx $name
    and set options -gx
    set -g _SESSAPP_OLD_$name $options $$name
end

# The text for the prompt: one line, without control characters.
function _sessapp_read_text
    set -l text ''
    test -r $SESSAPP_ENV/bin/prompt.txt
    and read text <$SESSAPP_ENV/bin/prompt.txt
    test -n "$text"
    or set text (string replace -r '(?s)^.*/' '' -- $SESSAPP_ENV | string collect)
    string replace -ra '[[:cntrl:]]' '?' -- "$text"
end

for _sessapp_name in NODE_PATH SESSAPP_ENV SESSAPP_PROMPT
    _sessapp_keep $_sessapp_name
end
set -e _sessapp_name
if functions -q deactivate
    functions -c deactivate _sessapp_old_deactivate
end
function deactivate -d 'Leave the environment of a session server'
    sessapp_deactivate
end

set -eg NODE_PATH
# A universal variable of that name cannot be unset for this shell alone, but hidden.
set -q NODE_PATH
and set -gu NODE_PATH
set -g _SESSAPP_ACTIVE $_sessapp_directory
set -gx SESSAPP_ENV $_sessapp_directory
set -gx SESSAPP_PROMPT (_sessapp_read_text)
set -gx PATH $SESSAPP_ENV/bin $SESSAPP_ENV/node_modules/.bin $PATH

if status is-interactive; and test -z "$SESSAPP_DISABLE_PROMPT"
    # One left over from below a virtualenv's prompt would be called for ever by itself.
    functions -e _sessapp_old_fish_prompt
    functions -c fish_prompt _sessapp_old_fish_prompt
    function fish_prompt
        # First, while $status and $pipestatus are still those of the user's command.
        set -l prompt (_sessapp_old_fish_prompt | string collect -N)
        set -q _SESSAPP_ACTIVE
        and printf '(%s) ' $SESSAPP_PROMPT
        printf '%s' $prompt
    end
end
functions -e _sessapp_keep _sessapp_read_text
