# shellcheck shell=bash
# Python, with GObject introspection and the field bus.
need lib-glib
install_debian_deb python3 python3-gi python3-yaml python3-serial
