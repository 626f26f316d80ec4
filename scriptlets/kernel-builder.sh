# shellcheck shell=bash
# What a kernel is built with. No image gets it: see build_need.
install_debian_deb gcc libc6-dev make flex bison bc libelf-dev libssl-dev cpio kmod rsync xz-utils patch quilt perl-base
