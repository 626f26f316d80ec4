# shellcheck shell=bash
# The device's name. The network's packages lay down an /etc/hosts of their own where there is none.
use_var DEVICE_NAME
need network

do_run() {
  printf '%s\n' "$DEVICE_NAME" >/etc/hostname
  printf '127.0.0.1\tlocalhost\n127.0.1.1\t%s\n\n::1\t\tlocalhost ip6-localhost ip6-loopback\nff02::1\t\tip6-allnodes\nff02::2\t\tip6-allrouters\n' \
    "$DEVICE_NAME" >/etc/hosts
}
