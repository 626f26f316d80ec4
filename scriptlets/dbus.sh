# shellcheck shell=bash
# The system bus.
install_debian_deb dbus
