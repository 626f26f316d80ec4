# shellcheck shell=bash
# The person at the device may become root, with the password.
use_var USER_NAME
need user
install_debian_deb sudo

do_run() {
  copy_file device etc/sudoers.d/ 0440
  in_image visudo --check --quiet
  in_image adduser --quiet "$USER_NAME" sudo
}
