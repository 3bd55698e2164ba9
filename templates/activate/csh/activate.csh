# Activates this environment in tcsh and csh. Source it; it cannot work when executed:
#
#     source myenv/bin/activate.csh
#
# While active: SESSAPP_ENV is the environment's directory, SESSAPP_PROMPT the text in front of the prompt,
# the environment's programs come first in PATH, and NODE_PATH is unset so that no module comes from outside.
# `deactivate` puts everything back, and so does `sessapp_deactivate`, which is its other name: a Python
# virtualenv that is activated on top of this one takes `deactivate` for itself and removes it when it ends.
# SESSAPP_DISABLE_PROMPT=1 leaves the prompt alone.
#
# No path is written in here: the directory can be moved or copied. csh cannot tell which file it reads, has no
# functions, and cannot take a text apart, so questions are asked in sh. The long quoted texts below are programs
# for sh, with a backslash before each newline and exclamation mark, as csh wants. They and what they work on
# travel in environment variables (_SESSAPP_ASK, _SESSAPP_ABOUT, unset at once): what stands in the backquotes
# itself would be expanded by csh twice.

# --- Where am I? -------------------------------------------------------------------------------------------

# Prints the environment's directory, or says why it cannot and fails.
# _SESSAPP_PID is this shell, _SESSAPP_ABOUT its $0 if it has one. A shell keeps a file open while it sources it,
# so the answer is among the open files of this shell, or of a subshell between it and the one who asks.
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
  echo "sessapp: this shell cannot tell which file it reads; taking the environment around this directory: $directory" >&2 \
}                                                                                                      \
find_script                                                                                            \
directory=${script%/bin/activate.csh}                                                                  \
if [ -z "$script" ] && ! find_above; then                                                              \
  echo "sessapp: there is no environment around this script: its sessapp.json is missing, its path has a newline, or the shell cannot tell where the script is." >&2 \
  echo "Change into the environment first, then type: source bin/activate.csh" >&2                     \
  exit 1                                                                                               \
fi                                                                                                     \
case $directory in *:*)                                                                                \
  printf "sessapp: %s cannot be activated: a colon in its name would split it in PATH.\n" "$directory" >&2 \
  echo "Rename the directory (it can be moved as it is), or do without activation: sessapp run" >&2    \
  exit 1                                                                                               \
esac                                                                                                   \
if [ -n "$_SESSAPP_ABOUT" ] && [ "$_SESSAPP_ABOUT" -ef "$directory/bin/activate.csh" ]; then           \
  echo "sessapp: executed, this script cannot change your shell. Source it:" >&2                       \
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

# An environment that is active in this very shell ends first. SESSAPP_ENV would not do to tell: a shell
# inside an activated one inherits it, but has nothing to deactivate.
if ($?_SESSAPP_ACTIVE) then
  sessapp_deactivate
endif

# --- What stays while the environment is active -----------------------------------------------------------

# Each prints what is left of a text without ours. An entry of PATH, one after the other, the first that matches:
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
# A piece of the prompt, wherever it is by now:
set _SESSAPP_DROP_FROM_PROMPT = '                                                                      \
case $_SESSAPP_ABOUT in *"$_SESSAPP_PIECE"*)                                                           \
  _SESSAPP_ABOUT=${_SESSAPP_ABOUT%%"$_SESSAPP_PIECE"*}${_SESSAPP_ABOUT#*"$_SESSAPP_PIECE"}             \
esac                                                                                                   \
printf "%s\n" "$_SESSAPP_ABOUT"'

alias _sessapp_restore_path   'setenv _SESSAPP_ASK "$_SESSAPP_DROP_FROM_PATH:q"; setenv _SESSAPP_ABOUT "$_SESSAPP_ACTIVE:q"; setenv PATH "`printenv _SESSAPP_ASK | /bin/sh -s`"'
alias _sessapp_restore_prompt 'test $?_SESSAPP_PS1 = 1 && setenv _SESSAPP_ASK "$_SESSAPP_DROP_FROM_PROMPT:q" && setenv _SESSAPP_ABOUT "$prompt:q" && setenv _SESSAPP_PIECE "$_SESSAPP_PS1:q" && set prompt = "`printenv _SESSAPP_ASK | /bin/sh -s`"'
# Give the variables back their values, or their absence.
alias _sessapp_restore_node_path 'unsetenv NODE_PATH; test $?_SESSAPP_OLD_NODE_PATH = 0 || setenv NODE_PATH "$_SESSAPP_OLD_NODE_PATH:q"'
alias _sessapp_restore_env       'unsetenv SESSAPP_ENV; test $?_SESSAPP_OLD_ENV = 0 || setenv SESSAPP_ENV "$_SESSAPP_OLD_ENV:q"'
alias _sessapp_restore_text      'unsetenv SESSAPP_PROMPT; test $?_SESSAPP_OLD_PROMPT = 0 || setenv SESSAPP_PROMPT "$_SESSAPP_OLD_PROMPT:q"'
# The deactivate that was there before comes back, unless a newer one has taken the name. (Without the x, an empty
# answer would be no word at all.)
alias _sessapp_drop_deactivate    'test "x`alias deactivate`" \!= xsessapp_deactivate || unalias deactivate'
alias _sessapp_restore_deactivate 'test $?_SESSAPP_OLD_DEACTIVATE = 0 || test "x`alias deactivate`" \!= x || alias deactivate "$_SESSAPP_OLD_DEACTIVATE:q"'
alias _sessapp_forget 'unset _SESSAPP_ACTIVE _SESSAPP_PS1 _SESSAPP_OLD_\* _SESSAPP_DROP_\*; unalias _sessapp_\* sessapp_deactivate'

alias sessapp_deactivate '_sessapp_restore_path; _sessapp_restore_prompt; unsetenv _SESSAPP_ASK _SESSAPP_ABOUT _SESSAPP_PIECE; _sessapp_restore_node_path; _sessapp_restore_env; _sessapp_restore_text; _sessapp_drop_deactivate; _sessapp_restore_deactivate; rehash; _sessapp_forget'

# --- Activation --------------------------------------------------------------------------------------------

# A one-line `if` would expand the variable before it asks.
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

# The text for the prompt: one line, without control characters.
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

# The text is a stranger's: nothing that the prompt makes special may take effect in it. csh proper knows ! alone.
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
