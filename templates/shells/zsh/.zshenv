# What zsh reads in place of the user's .zshenv in `sessapp shell`: ZDOTDIR leads here, and for this file alone.
# It is theirs again before anything else is read, so that every other file, the history and the completion cache
# are found and kept where they always are. That is also why there is no .zshrc in this folder: the activation waits
# for the first prompt, when all of the user's files have been read.
if [[ -n ${_SESSAPP_USER_ZDOTDIR+x} ]]; then
  export ZDOTDIR=$_SESSAPP_USER_ZDOTDIR
else
  unset ZDOTDIR
fi
unset _SESSAPP_USER_ZDOTDIR

_sessapp_activate_once() {
  () {
    emulate -L zsh
    precmd_functions=(${precmd_functions:#_sessapp_activate_once})
  }
  unfunction _sessapp_activate_once
  source "$_SESSAPP_SHELL_ENV/bin/activate"
  unset _SESSAPP_SHELL_ENV
}
precmd_functions+=(_sessapp_activate_once)

if [[ -r ${ZDOTDIR:-$HOME}/.zshenv ]]; then
  source "${ZDOTDIR:-$HOME}/.zshenv"
fi
