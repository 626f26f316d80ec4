# shellcheck shell=bash
# Measurements and updates travel by rsync over ssh.
install_debian_deb rsync
