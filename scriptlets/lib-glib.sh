# shellcheck shell=bash
# GLib and what reads settings.
install_debian_deb libglib2.0-0 libglib2.0-bin shared-mime-info
