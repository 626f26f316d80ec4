# shellcheck shell=bash
# Which image this is: on the login screen and for programs.
use_var SNAP_CONF VERSION

do_run() {
  printf '%s %s \\n \\l\n\n' "$SNAP_CONF" "$VERSION" >/etc/issue
  printf '%s %s\n' "$SNAP_CONF" "$VERSION" >/etc/issue.net
  printf 'IMAGE_ID=%s\nIMAGE_VERSION=%s\n' "$SNAP_CONF" "$VERSION" >/etc/device-release
}
