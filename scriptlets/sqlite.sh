# shellcheck shell=bash
# The database that measurements lie in.
install_debian_deb sqlite3
