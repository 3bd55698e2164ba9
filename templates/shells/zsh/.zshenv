# `sessapp shell` sets ZDOTDIR to this folder, so zsh reads this file instead of the user's .zshenv.
# It restores the user's ZDOTDIR before zsh reads any other file: the history and the completion cache stay where they
# are. For the same reason this folder has no .zshrc. The activation runs before the first prompt, after zsh has read
# all of the user's files.
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
