# shellcheck shell=bash
# What the customer's monitoring asks.
use_var SITE
need systemd
install_debian_deb snmpd

do_run() {
  sed "s/@SITE@/$SITE/" "$DATA_DIR/snmpd.conf" >/etc/snmp/snmpd.conf
  chmod 0600 /etc/snmp/snmpd.conf
}
