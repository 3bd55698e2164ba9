# Activates this environment in tcsh and csh. Source this file; executing it cannot change your shell:
#
#     source myenv/bin/activate.csh
#
# While the environment is active:
# - SESSAPP_ENV is its directory, and SESSAPP_PROMPT is the text in front of the prompt.
# - Its programs come first in PATH.
# - NODE_PATH is unset, so that Node.js loads no module from outside.
# `deactivate` restores everything. `sessapp_deactivate` does the same: a Python virtualenv that you activate on top of
# this environment replaces `deactivate`, and removes it later. SESSAPP_DISABLE_PROMPT=1 keeps the prompt unchanged.
#
# This file contains no path: the directory can be moved or copied. csh does not know which file it reads, has no
# functions, and cannot split text, so sh does this work. The long quoted texts below are sh programs. csh needs a
# backslash before each newline and each exclamation mark in them. The programs and their input are passed in environment
# variables (_SESSAPP_ASK, _SESSAPP_ABOUT, unset at once), because csh expands text inside backquotes twice.

# --- Find this file ----------------------------------------------------------------------------------------

# Prints the environment's directory, or an error message, and then fails.
# _SESSAPP_PID is the process id of this shell, _SESSAPP_ABOUT its $0 if it is set. A shell keeps a file open while it
# sources it, so look at the open files of this shell, and of every process between it and this program.
set _sessapp_find = '                                                                                  \
list_open_files() {                                                                                    \
  if [ -d "/proc/$1/fd" ]; then                                                                        \
    for fd in "/proc/$1/fd"/*; do [ -f "$fd" ] && readlink "$fd"; done                                 \
  else                                                                                                 \
    lsof -p "$1" -Fn 2>/dev/null | sed -n "s/^n//p"                                                    \
  fi                                                                                                   \
}                                                                                                      \
keep_activate_scripts() {                                                                              \
  while IFS= read -r file; do                                                                          \
    case $file in */bin/activate.csh) [ -e "${file%/*}/../sessapp.json" ] && printf "%s\n" "$file" ;; esac \
  done                                                                                                 \
}                                                                                                      \
find_script() {                                                                                        \
  pid=$PPID                                                                                            \
  while [ "${pid:-0}" -gt 1 ]; do                                                                      \
    script=$(list_open_files "$pid" | keep_activate_scripts | tail -n 1)                               \
    [ -z "$script" ] && [ "$pid" -ne "$_SESSAPP_PID" ] || return 0                                     \
    pid=$(ps -o ppid= -p "$pid" | tr -d " ")                                                           \
  done                                                                                                 \
}                                                                                                      \
find_above() {                                                                                         \
  directory=$PWD                                                                                       \
  until [ -e "$directory/sessapp.json" ]; do                                                           \
    case $directory in */*) directory=${directory%/*} ;; *) return 1 ;; esac                           \
  done                                                                                                 \
  echo "sessapp: This shell does not know which file it reads. Using the environment around this directory: $directory" >&2 \
}                                                                                                      \
find_script                                                                                            \
directory=${script%/bin/activate.csh}                                                                  \
if [ -z "$script" ] && ! find_above; then                                                              \
  echo "sessapp: No environment was found around this script: its sessapp.json is missing, its path has a newline, or the shell does not know where this script is." >&2 \
  echo "Change to the directory of the environment, then type: source bin/activate.csh" >&2            \
  exit 1                                                                                               \
fi                                                                                                     \
case $directory in *:*)                                                                                \
  printf "sessapp: %s cannot be activated: a colon in its name separates entries in PATH.\n" "$directory" >&2 \
  echo "Rename the directory (moving it is safe), or use it without activation: sessapp run" >&2       \
  exit 1                                                                                               \
esac                                                                                                   \
if [ -n "$_SESSAPP_ABOUT" ] && [ "$_SESSAPP_ABOUT" -ef "$directory/bin/activate.csh" ]; then           \
  echo "sessapp: This script was executed, so it cannot change your shell. Source it:" >&2             \
  quote=$(printf "\047")                                                                               \
  quoted=$(printf "%s\n" "$directory/bin/activate.csh" | sed "s/$quote/$quote\\\\$quote$quote/g; s/\!/\\\\\!/g") \
  printf "  source %s\n" "$quote$quoted$quote" >&2                                                     \
  exit 1                                                                                               \
fi                                                                                                     \
printf "%s\n" "$directory"'

setenv _SESSAPP_ASK "$_sessapp_find:q"
setenv _SESSAPP_ABOUT ''
test $?0 = 0 || setenv _SESSAPP_ABOUT "$0:q"
setenv _SESSAPP_PID $$
set _sessapp_dir = "`printenv _SESSAPP_ASK | /bin/sh -s`"
unsetenv _SESSAPP_ASK _SESSAPP_ABOUT _SESSAPP_PID
unset _sessapp_find
if ("$_sessapp_dir:q" == '') then
  unset _sessapp_dir
  exit 1
endif

# Deactivate an environment that is already active in this shell. SESSAPP_ENV does not show that: a child shell inherits
# it, but has nothing to deactivate.
if ($?_SESSAPP_ACTIVE) then
  sessapp_deactivate
endif

# --- Deactivation ------------------------------------------------------------------------------------------

# These programs print a text without the part that we added. This one removes the first match of each PATH entry:
set _SESSAPP_DROP_FROM_PATH = '                                                                        \
for entry in "$_SESSAPP_ABOUT/bin" "$_SESSAPP_ABOUT/node_modules/.bin"; do                             \
  case :$PATH: in *:"$entry":*)                                                                        \
    PATH=:$PATH:                                                                                       \
    PATH=${PATH%%":$entry:"*}:${PATH#*":$entry:"}                                                      \
    PATH=${PATH#:}                                                                                     \
    PATH=${PATH%:}                                                                                     \
  esac                                                                                                 \
done                                                                                                   \
printf "%s\n" "$PATH"'
# This one removes our part of the prompt, wherever it is now:
set _SESSAPP_DROP_FROM_PROMPT = '                                                                      \
case $_SESSAPP_ABOUT in *"$_SESSAPP_PIECE"*)                                                           \
  _SESSAPP_ABOUT=${_SESSAPP_ABOUT%%"$_SESSAPP_PIECE"*}${_SESSAPP_ABOUT#*"$_SESSAPP_PIECE"}             \
esac                                                                                                   \
printf "%s\n" "$_SESSAPP_ABOUT"'

alias _sessapp_restore_path   'setenv _SESSAPP_ASK "$_SESSAPP_DROP_FROM_PATH:q"; setenv _SESSAPP_ABOUT "$_SESSAPP_ACTIVE:q"; setenv PATH "`printenv _SESSAPP_ASK | /bin/sh -s`"'
alias _sessapp_restore_prompt 'test $?_SESSAPP_PS1 = 1 && setenv _SESSAPP_ASK "$_SESSAPP_DROP_FROM_PROMPT:q" && setenv _SESSAPP_ABOUT "$prompt:q" && setenv _SESSAPP_PIECE "$_SESSAPP_PS1:q" && set prompt = "`printenv _SESSAPP_ASK | /bin/sh -s`"'
# Restore the old value of a variable, or unset it.
alias _sessapp_restore_node_path 'unsetenv NODE_PATH; test $?_SESSAPP_OLD_NODE_PATH = 0 || setenv NODE_PATH "$_SESSAPP_OLD_NODE_PATH:q"'
alias _sessapp_restore_env       'unsetenv SESSAPP_ENV; test $?_SESSAPP_OLD_ENV = 0 || setenv SESSAPP_ENV "$_SESSAPP_OLD_ENV:q"'
alias _sessapp_restore_text      'unsetenv SESSAPP_PROMPT; test $?_SESSAPP_OLD_PROMPT = 0 || setenv SESSAPP_PROMPT "$_SESSAPP_OLD_PROMPT:q"'
# Restore the earlier `deactivate`, unless a newer one has replaced ours. (Without the x, an empty output would not be a
# word for `test`.)
alias _sessapp_drop_deactivate    'test "x`alias deactivate`" \!= xsessapp_deactivate || unalias deactivate'
alias _sessapp_restore_deactivate 'test $?_SESSAPP_OLD_DEACTIVATE = 0 || test "x`alias deactivate`" \!= x || alias deactivate "$_SESSAPP_OLD_DEACTIVATE:q"'
alias _sessapp_forget 'unset _SESSAPP_ACTIVE _SESSAPP_PS1 _SESSAPP_OLD_\* _SESSAPP_DROP_\*; unalias _sessapp_\* sessapp_deactivate'

alias sessapp_deactivate '_sessapp_restore_path; _sessapp_restore_prompt; unsetenv _SESSAPP_ASK _SESSAPP_ABOUT _SESSAPP_PIECE; _sessapp_restore_node_path; _sessapp_restore_env; _sessapp_restore_text; _sessapp_drop_deactivate; _sessapp_restore_deactivate; rehash; _sessapp_forget'

# --- Activation --------------------------------------------------------------------------------------------

# A one-line `if` would expand the variable before it tests whether it is set.
test $?NODE_PATH = 0 || set _SESSAPP_OLD_NODE_PATH = "$NODE_PATH:q"
test $?SESSAPP_ENV = 0 || set _SESSAPP_OLD_ENV = "$SESSAPP_ENV:q"
test $?SESSAPP_PROMPT = 0 || set _SESSAPP_OLD_PROMPT = "$SESSAPP_PROMPT:q"
set _SESSAPP_OLD_DEACTIVATE = "`alias deactivate`"
if ("$_SESSAPP_OLD_DEACTIVATE:q" == '') unset _SESSAPP_OLD_DEACTIVATE
alias deactivate sessapp_deactivate

unsetenv NODE_PATH
set _SESSAPP_ACTIVE = "$_sessapp_dir:q"
setenv SESSAPP_ENV "$_sessapp_dir:q"
setenv PATH "$SESSAPP_ENV:q/bin:$SESSAPP_ENV:q/node_modules/.bin:$PATH:q"
unset _sessapp_dir

# Read the text for the prompt: one line, without control characters.
set _sessapp_read_text = '                                                                             \
text=                                                                                                  \
[ -r "$SESSAPP_ENV/bin/prompt.txt" ] && IFS= read -r text <"$SESSAPP_ENV/bin/prompt.txt"               \
[ -n "$text" ] || text=${SESSAPP_ENV##*/}                                                              \
printf %s "$text" | LC_ALL=C tr "[:cntrl:]" "?"                                                        \
echo'
setenv _SESSAPP_ASK "$_sessapp_read_text:q"
setenv SESSAPP_PROMPT "`printenv _SESSAPP_ASK | /bin/sh -s`"
unsetenv _SESSAPP_ASK
unset _sessapp_read_text

# The prompt text is untrusted, so escape every character that is special in a prompt. In the original csh that is only !.
set _sessapp_show_prompt = $?prompt
if ($?SESSAPP_DISABLE_PROMPT) then
  if ("$SESSAPP_DISABLE_PROMPT:q" != '') set _sessapp_show_prompt = 0
endif
if ($_sessapp_show_prompt) then
  setenv _SESSAPP_ASK 'printenv SESSAPP_PROMPT | sed "s/\!/\\\\\!/g; s/.*/(&) /"'
  if ($?tcsh) setenv _SESSAPP_ASK 'printenv SESSAPP_PROMPT | sed "s/[\\\\^\!]/\\\\&/g; s/%/%%/g; s/.*/(&) /"'
  set _SESSAPP_PS1 = "`printenv _SESSAPP_ASK | /bin/sh -s`"
  unsetenv _SESSAPP_ASK
  set prompt = "$_SESSAPP_PS1:q$prompt:q"
endif
unset _sessapp_show_prompt
rehash
