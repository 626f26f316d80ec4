/**
 * Files that a trigger of one package makes from files of many: layers side by side may leave different ones, and settle makes
 * them again from all.
 */
export type Derived = {
  /** The package whose trigger makes them. */
  readonly package: string;
  readonly triggers: readonly string[];
  readonly paths: RegExp;
  /** What they are made from, beside what lies under the trigger's own path. */
  readonly from?: RegExp;
};

const DERIVED: readonly Derived[] = [
  {
    package: 'libc-bin',
    triggers: ['ldconfig'],
    paths: /^etc\/ld\.so\.cache$/,
    from: /^etc\/ld\.so\.conf($|\.d\/)|^(usr\/|usr\/local\/)?lib[^/]*\/(.*\/)?[^/]+\.so(\.[^/]*)?$/,
  },
  {
    package: 'ca-certificates',
    triggers: ['update-ca-certificates'],
    paths: /^etc\/ssl\/certs\//,
    from: /^(usr\/(local\/)?share\/ca-certificates\/|etc\/ca-certificates)/,
  },
  {
    package: 'libglib2.0-0',
    triggers: ['/usr/share/glib-2.0/schemas'],
    paths: /^usr\/share\/glib-2\.0\/schemas\/gschemas\.compiled$/,
  },
  { package: 'libglib2.0-0', triggers: [], paths: /\/gio\/modules\/giomodule\.cache$/ },
  { package: 'libgdk-pixbuf-2.0-0', triggers: [], paths: /\/gdk-pixbuf-2\.0\/[^/]+\/loaders\.cache$/ },
  { package: 'libgtk-3-0', triggers: [], paths: /\/gtk-3\.0\/[^/]+\/immodules\.cache$/ },
  { package: 'hicolor-icon-theme', triggers: [], paths: /^usr\/share\/icons\/[^/]+\/icon-theme\.cache$/ },
  { package: 'fontconfig', triggers: [], paths: /^var\/cache\/fontconfig\// },
  { package: 'shared-mime-info', triggers: [], paths: /^usr\/share\/mime\/(?!packages\/)/ },
  { package: 'desktop-file-utils', triggers: [], paths: /^usr\/share\/applications\/mimeinfo\.cache$/ },
  { package: 'man-db', triggers: [], paths: /^var\/cache\/man\// },
  {
    package: 'sgml-base',
    triggers: ['update-sgmlcatalog'],
    paths: /^var\/lib\/sgml-base\/supercatalog$/,
    from: /^etc\/sgml\//,
  },
  { package: 'install-info', triggers: [], paths: /^usr\/share\/info\/dir$/ },
  { package: 'systemd', triggers: [], paths: /^var\/lib\/systemd\/catalog\/database$/ },
  { package: 'udev', triggers: [], paths: /^(usr\/)?lib\/udev\/hwdb\.bin$/ },
];

/** Whether settle makes a path again, so that layers may differ in it. */
export function isDerived(path: string): boolean {
  return DERIVED.some(({ paths }) => paths.test(path));
}

/** The rules of a package, `name` without architecture. */
export function derivedBy(name: string): readonly Derived[] {
  return DERIVED.filter((rule) => rule.package === name);
}

/** All rules as text: what was worked out by other ones may not hold any more. */
export function derivedRules(): string {
  return DERIVED.map((rule) => [rule.package, rule.triggers, rule.paths, rule.from].join(' ')).join('\n');
}
