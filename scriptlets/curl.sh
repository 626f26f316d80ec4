# shellcheck shell=bash
# Downloads and uploads.
need ca-certificates
install_debian_deb curl
