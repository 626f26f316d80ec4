# shellcheck shell=bash
# The device's own kernel: Debian's source, what every device needs and what each one has, our patches, our driver. One for all devices.
build_need kernel-builder
kernel_source deb:linux-source-6.1
kernel_patches patches
kernel_kconfig tinyconfig default.kconfig device-*.kconfig
kernel_module modules/heartbeat
