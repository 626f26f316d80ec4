/** Packages that image builders trip over, and over what. */
export type Difficult = {
  /** The packages of each scriptlet; several scriptlets stand side by side, and none sees the others. */
  readonly scriptlets: readonly (readonly string[])[];
  /** What is difficult about them. */
  readonly what: string;
  /** What `do_run` of the first scriptlet does. */
  readonly run?: string;
};

/** Packages as in `vim-nox | nano`: `|` stands between scriptlets. Those of the base are configured once more. */
const LIST: readonly (readonly [packages: string, what: string, run?: string])[] = [
  ['dash', 'diverts /bin/sh while it is being configured', 'in_image dpkg-reconfigure dash'],
  ['bash bash-completion', 'essential; alternative of a man page', 'in_image dpkg-reconfigure bash'],
  ['zsh | mksh', 'both are added to /etc/shells; alternative ksh'],
  ['vim | nano', 'two layers for one alternative; vim-runtime diverts what vim-tiny brings'],
  ['vim-tiny vim-runtime', 'a diversion by the preinst of one over files of the other'],
  ['gawk | original-awk', 'two layers for one alternative, of which the base has the first choice'],
  ['zutils', 'diverts programs of gzip and of the base by its preinst'],
  ['molly-guard', 'diverts /sbin/reboot and the like by its preinst'],
  ['mariadb-server', 'a data folder, a user and alternatives made by postinst; debconf'],
  ['postfix', 'debconf; users, groups with setgid; a chroot; a certificate of its own'],
  ['exim4-daemon-light', 'debconf; a configuration that is made; a user'],
  ['apache2', 'modules and sites linked by postinst; systemd units'],
  ['nginx | lighttpd', 'the same page from two layers; modules linked'],
  ['postgresql', 'a database cluster made by postinst; ssl-cert; users'],
  ['ssl-cert', 'a random certificate; a group'],
  ['redis-server', 'users, owners of its configuration; systemd unit'],
  ['slapd', 'debconf; a directory database made by postinst'],
  ['samba', 'ucf, debconf; many python modules'],
  ['bind9', 'a random key; user; conffiles moved'],
  ['dnsmasq', 'a user; a D-Bus service; resolvconf hooks'],
  ['chrony', 'a user; ucf; conffiles moved by dpkg-maintscript-helper'],
  ['openssh-server', 'random keys; debconf, ucf, pam, a user'],
  ['cron | at', 'setgid groups, users, overrides of owners'],
  ['sudo | doas', 'setuid; a group; configuration files of mode 0440'],
  ['iputils-ping | fping', 'file capabilities set by postinst'],
  ['mtr-tiny libcap2-bin', 'file capabilities, or setuid where there is no setcap'],
  ['wireshark-common', 'debconf decides about a group and capabilities'],
  ['locales', 'debconf; locale-gen', 'in_image dpkg-reconfigure locales'],
  ['tzdata', 'debconf; /etc/localtime', 'in_image dpkg-reconfigure tzdata'],
  [
    'fontconfig fonts-dejavu-core | fonts-liberation',
    'a trigger over files of two layers; a cache with times',
  ],
  ['initramfs-tools', 'a trigger; an archive made by it; Pre-Depends'],
  ['linux-image-cloud-amd64 initramfs-tools', 'a kernel with its hooks; modules; an initramfs'],
  ['dkms acpi-call-dkms linux-headers-cloud-amd64', 'a kernel module compiled by postinst'],
  ['man-db | manpages', 'a trigger; a cache; setuid, debconf'],
  ['info | ed', 'install-info by a trigger'],
  [
    'ca-certificates-java openjdk-17-jre-headless',
    'a keystore made by java in postinst and trigger; alternatives',
  ],
  ['ca-certificates | curl', 'a trigger; debconf; links of hashes'],
  ['libpam-pwquality | libpam-cap', 'pam-auth-update in two layers'],
  ['libpam-systemd systemd-sysv', 'pam-auth-update; the first program; Pre-Depends'],
  ['libpam-ldapd', 'debconf; nsswitch and pam edited; a user'],
  ['libnss-mdns | libnss-myhostname', 'nsswitch.conf edited in two layers'],
  ['dbus | dbus-user-session', 'setuid with an owner of its own; machine id; user units'],
  ['polkitd | udisks2', 'D-Bus services, users, owners of folders'],
  ['avahi-daemon | bluez', 'D-Bus services, users, systemd units with aliases'],
  ['network-manager | modemmanager', 'D-Bus services, polkit; conffiles moved'],
  ['systemd-resolved | systemd-timesyncd', 'users; links in /etc; units enabled by presets'],
  ['udev', 'hwdb by postinst; groups'],
  ['python3-gi | python3-yaml', 'modules compiled by postinst; rtupdate'],
  ['python3-numpy', 'modules compiled by postinst; alternatives; Fortran libraries'],
  ['libxml-sax-perl | libxml-libxml-perl', 'a list of parsers in two layers; ucf'],
  ['perl libnet-dbus-perl', 'modules of perl; Multi-Arch: same'],
  ['docbook-xml | xml-core', 'catalogs edited by postinst'],
  ['wamerican | aspell-en', 'dictionaries-common: debconf, triggers; one diverts what the other brings'],
  ['libgtk-3-0 | hicolor-icon-theme', 'caches of icons, schemas, loaders, input methods'],
  ['shared-mime-info | desktop-file-utils', 'a trigger each'],
  ['libc6-dev linux-libc-dev', 'Multi-Arch: same; Breaks, Replaces'],
  ['zlib1g:arm64 libpam0g:arm64 | libpam-cap', 'Multi-Arch: same twice, beside what the base has'],
  ['libgl1 libglx-mesa0', 'Multi-Arch: same, ldconfig'],
  ['resolvconf', 'debconf; takes /etc/resolv.conf; trigger'],
  ['console-setup keyboard-configuration', 'debconf; a configuration that is made, and its cache'],
  ['popularity-contest', 'debconf; a random id'],
  ['unattended-upgrades', 'ucf, debconf; python modules'],
  ['grub-efi-amd64-bin grub2-common', 'conffiles, ucf, debconf'],
  ['mdadm', 'debconf; an initramfs hook; a configuration that is made with a uuid'],
  ['cryptsetup-initramfs | lvm2', 'initramfs hooks from two layers; one trigger'],
  ['nfs-kernel-server', 'ucf; a user; state folders; generators'],
  ['apparmor', 'debconf; profiles; conffiles'],
  ['snmpd', 'a user; debconf; ucf'],
  ['mosquitto', 'a user; a folder of logs'],
  ['plocate', 'setgid; an alternative; a group'],
  ['qemu-user-static', 'binfmt; many files; a trigger that the sandbox has no kernel for'],
  ['binfmt-support', 'writes to /proc where it may'],
  ['ufw', 'ucf; debconf; iptables rules'],
  ['php-fpm', 'ucf; modules linked by triggers of their own'],
  ['dovecot-core', 'ucf; users; ssl-cert'],
  ['iptables | arptables', 'alternatives of many names'],
  ['iptables-persistent', 'debconf; rules saved from the running kernel'],
  ['sysvinit-core', 'in the place of systemd-sysv; inittab by postinst'],
  ['emacs-nox', 'byte-compiled by postinst, of which alternatives'],
  ['tex-common', 'triggers; ucf; mktexlsr'],
  ['isc-dhcp-server', 'debconf; a user; a leases file'],
  ['rsyslog | logrotate', 'conffiles moved; a unit that replaces another'],
  ['tcpdump', 'conffiles moved by dpkg-maintscript-helper; a user; apparmor'],
  ['screen | tmux', 'setgid; /run folders; /etc/shells'],
  ['uuid-runtime', 'a user with a folder; a socket unit'],
  ['rpcbind', 'a state folder; a user; conffiles moved'],
  [
    'fonts-noto-mono fontconfig | fonts-noto-ui-core',
    'two layers for one folder of fonts, of which one has the cache',
  ],
  ['mailutils | bsd-mailx', 'two layers for one alternative; a mail server of either'],
  ['apache2 libapache2-mod-php', 'modules of a server that exclude each other, enabled by postinst'],
  ['cups', 'users, ssl-cert, PPDs; conffiles moved; a D-Bus service'],
  ['xfonts-base | xfonts-75dpi', 'indexes of fonts by postinst, in folders beside each other'],
  ['tcsh | fish', 'alternative csh; /etc/shells'],
  ['nodejs | ruby', 'alternatives; many small packages'],
  ['openvpn | strongswan-starter', 'debconf, ucf, apparmor; conffiles moved'],
  ['freeradius', 'random certificates; links made by postinst; a user'],
  ['proftpd-core', 'debconf; users; conffiles moved'],
  ['tor', 'a user; overrides; apparmor'],
  ['lightdm', 'debconf; a user; a link that chooses the display manager'],
  ['plymouth', 'an initramfs hook; alternatives; systemd units'],
  ['hunspell-en-us | hunspell-de-de', 'dictionaries-common in two layers'],
  ['gnupg | dirmngr', 'user units; Multi-Arch'],
  ['lxc | uidmap', 'subuid and subgid; apparmor; setuid'],
  ['rabbitmq-server', 'erlang; a user; a random cookie'],
  ['sgml-data | docbook', 'catalogs edited by postinst in two layers'],
];

/** Lines of the list, and packages, that a suite has otherwise. */
const OTHERWISE: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  trixie: {
    'libgtk-3-0': 'libgtk-3-0t64',
    'openjdk-17-jre-headless': 'openjdk-21-jre-headless',
    // Their units are enabled by systemctl, which comes with the other one.
    'cron | at': 'cron at',
    'cryptsetup-initramfs | lvm2': 'cryptsetup-initramfs lvm2',
  },
};

/** The list, by the names that its packages have in a suite. */
export function difficultIn(suite: string): Difficult[] {
  const other = OTHERWISE[suite] ?? {};
  return LIST.map(([line, what, run]) => ({
    scriptlets: (other[line] ?? line)
      .split(' | ')
      .map((packages) => packages.split(' ').map((name) => other[name] ?? name)),
    what,
    ...(run === undefined ? {} : { run }),
  }));
}
