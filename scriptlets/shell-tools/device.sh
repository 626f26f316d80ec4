# A shell left alone ends after a quarter of an hour.
if [ -n "${PS1-}" ]; then
  TMOUT=900
  HISTCONTROL=ignoreboth
  export LESS=-FRSX SYSTEMD_PAGER=cat
fi
