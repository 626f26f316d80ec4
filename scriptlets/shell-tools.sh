# shellcheck shell=bash
# A shell that a person can work in.
install_debian_deb vim-tiny tmux less bash-completion

do_run() {
  copy_file tmux.conf etc/
  copy_file vimrc.tiny etc/vim/
  copy_file device.sh etc/profile.d/
  in_image update-alternatives --set editor /usr/bin/vim.tiny
}
