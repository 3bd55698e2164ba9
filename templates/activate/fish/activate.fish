# Activates this environment in fish (3.1 or newer). Source this file; executing it cannot change your shell:
#
#     source myenv/bin/activate.fish
#
# While the environment is active:
# - SESSAPP_ENV is its directory, and SESSAPP_PROMPT is the text in front of the prompt.
# - Its programs come first in PATH.
# - NODE_PATH is unset, so that Node.js loads no module from outside.
# `deactivate` restores everything. `sessapp_deactivate` does the same: a Python virtualenv that you activate on top of
# this environment replaces `deactivate`, and removes it later. SESSAPP_DISABLE_PROMPT=1 keeps the prompt unchanged.
#
# This file contains no path: the script asks the shell where it is. The directory can be moved or copied.

# Prints the directory above the folder of this file, if that is an environment.
function _sessapp_find_environment --argument-names script
    # In a pipe, `string` treats a path with a newline as two paths.
    set -l path (realpath -- $script | string collect)
    set -l directory (string replace -r '/[^/]*/[^/]*\z' '' -- $path | string collect)
    if not test -e "$directory/sessapp.json"
        echo 'sessapp: This script is not in an environment: its sessapp.json is missing.' >&2
        return 1
    end
    if string match -q '*:*' -- $directory
        echo "sessapp: $directory cannot be activated: a colon in its name separates entries in PATH." >&2
        echo 'Rename the directory (moving it is safe), or use it without activation: sessapp run' >&2
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

# Only a sourced file has a caller in the stack trace.
if not status is-interactive; and not status stack-trace | string match -q '*'
    echo 'sessapp: This script was executed, so it cannot change your shell. Source it:' >&2
    echo "  source '"(string replace -ra "[\\\\']" '\\\\$0' -- "$_sessapp_directory/bin/activate.fish" | string collect)"'" >&2
    exit 1
end

# Deactivate an environment that is already active in this shell. SESSAPP_ENV does not show that: a child shell inherits
# it, but has nothing to deactivate.
if functions -q sessapp_deactivate
    sessapp_deactivate
end

# --- Deactivation ------------------------------------------------------------------------------------------

function sessapp_deactivate -d 'Leave the environment of a session server'
    for entry in $_SESSAPP_ACTIVE/bin $_SESSAPP_ACTIVE/node_modules/.bin
        # Remove only the first match: entries that were added since then stay.
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

# Restores a variable, or erases it if it was not set. The saved list starts with the options for `set`.
function _sessapp_restore --argument-names name
    set -l kept _SESSAPP_OLD_$name
    set -eg $name
    if set -qg $kept
        set $$kept[1][1] $name $$kept[1][2..-1]
        set -eg $kept
    end
end

# Another prompt function (of a virtualenv) may call ours. It stays, and ours then adds nothing.
function _sessapp_restore_prompt
    _sessapp_is_ours fish_prompt _SESSAPP_ACTIVE
    or return 0
    functions -e fish_prompt
    functions -c _sessapp_old_fish_prompt fish_prompt
    functions -e _sessapp_old_fish_prompt
end

# Restores the earlier `deactivate`, unless a newer one has replaced ours.
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

# Succeeds when a function is ours: its body contains a name that only this file uses.
function _sessapp_is_ours --argument-names name word
    functions -q $name
    and functions $name | string match -q "*$word*"
end

# --- Activation --------------------------------------------------------------------------------------------

# Saves a variable for _sessapp_restore.
function _sessapp_keep --argument-names name
    set -eg _SESSAPP_OLD_$name
    set -qg $name
    or return 0
    set -l options -gu
    set -qgx $name
    and set options -gx
    set -g _SESSAPP_OLD_$name $options $$name
end

# Prints the text for the prompt: one line, without control characters.
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
# A universal variable cannot be unset in this shell only, so hide it with a global one.
set -q NODE_PATH
and set -gu NODE_PATH
set -g _SESSAPP_ACTIVE $_sessapp_directory
set -gx SESSAPP_ENV $_sessapp_directory
set -gx SESSAPP_PROMPT (_sessapp_read_text)
set -gx PATH $SESSAPP_ENV/bin $SESSAPP_ENV/node_modules/.bin $PATH

if status is-interactive; and test -z "$SESSAPP_DISABLE_PROMPT"
    # A copy from an earlier activation, still called by a virtualenv's prompt, would call itself without end.
    functions -e _sessapp_old_fish_prompt
    functions -c fish_prompt _sessapp_old_fish_prompt
    function fish_prompt
        # This comes first, while $status and $pipestatus still belong to the user's command.
        set -l prompt (_sessapp_old_fish_prompt | string collect -N)
        set -q _SESSAPP_ACTIVE
        and printf '(%s) ' $SESSAPP_PROMPT
        printf '%s' $prompt
    end
end
functions -e _sessapp_keep _sessapp_read_text
