import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  fieldOf,
  formatRecords,
  isRecordFile,
  parseRecords,
  pendingTriggers,
  recordName,
  withPending,
} from '../../src/debian/records.ts';

const STATUS = 'var/lib/dpkg/status';

/** The records as a person reads them: `key = value`. */
function shown(path: string, text: string): string[] {
  return [...parseRecords(path, text)].map(([key, value]) => `${recordName(key)} = ${value}`);
}

/** Each database as a Debian system has it, and its records. */
const EXAMPLES: readonly { path: string; text: string; records: string[] }[] = [
  {
    path: 'etc/passwd',
    text: 'root:x:0:0:root:/root:/bin/bash\nmessagebus:x:100:107::/nonexistent:/usr/sbin/nologin\n',
    records: [
      'root = root:x:0:0:root:/root:/bin/bash',
      'messagebus = messagebus:x:100:107::/nonexistent:/usr/sbin/nologin',
    ],
  },
  {
    path: 'etc/shadow',
    text: 'root:*:19000:0:99999:7:::\nservice:$6$a$b:0:0:99999:7:::\n',
    records: ['root = root:*:19000:0:99999:7:::', 'service = service:$6$a$b:0:0:99999:7:::'],
  },
  {
    path: 'etc/group',
    text: 'root:x:0:\naudio:x:29:dlog,service\n',
    records: ['root = root:x:0', 'audio = audio:x:29', 'audio (member dlog) = ', 'audio (member service) = '],
  },
  {
    path: 'etc/gshadow',
    text: 'root:*::\nsudo:*:admin:service,dlog\n',
    records: [
      'root = root:*',
      'sudo = sudo:*',
      'sudo (administrator admin) = ',
      'sudo (member service) = ',
      'sudo (member dlog) = ',
    ],
  },
  {
    path: 'etc/subuid',
    text: 'service:100000:65536\nservice:300000:65536\n',
    records: ['service:100000:65536 = service:100000:65536', 'service:300000:65536 = service:300000:65536'],
  },
  {
    path: 'etc/shells',
    text: '# /etc/shells: valid login shells\n/bin/sh\n/usr/bin/bash\n',
    records: [
      '# /etc/shells: valid login shells = # /etc/shells: valid login shells',
      '/bin/sh = /bin/sh',
      '/usr/bin/bash = /usr/bin/bash',
    ],
  },
  {
    path: 'var/lib/dpkg/diversions',
    text: '/bin/sh\n/bin/sh.distrib\ndash\n/usr/share/man/man1/sh.1.gz\n/usr/share/man/man1/sh.distrib.1.gz\ndash\n',
    records: [
      '/bin/sh = /bin/sh\n/bin/sh.distrib\ndash',
      '/usr/share/man/man1/sh.1.gz = /usr/share/man/man1/sh.1.gz\n/usr/share/man/man1/sh.distrib.1.gz\ndash',
    ],
  },
  {
    path: 'var/lib/dpkg/statoverride',
    text: 'root crontab 2755 /usr/bin/crontab\nroot messagebus 4754 /usr/lib/dbus-1.0/dbus-daemon-launch-helper\n',
    records: [
      '/usr/bin/crontab = root crontab 2755 /usr/bin/crontab',
      '/usr/lib/dbus-1.0/dbus-daemon-launch-helper = root messagebus 4754 /usr/lib/dbus-1.0/dbus-daemon-launch-helper',
    ],
  },
  {
    path: 'var/lib/dpkg/triggers/File',
    text: '/usr/share/glib-2.0/schemas libglib2.0-0:amd64\n/usr/share/dbus-1/services dbus\n',
    records: [
      '/usr/share/glib-2.0/schemas libglib2.0-0:amd64 = /usr/share/glib-2.0/schemas libglib2.0-0:amd64',
      '/usr/share/dbus-1/services dbus = /usr/share/dbus-1/services dbus',
    ],
  },
  {
    path: 'var/lib/ucf/hashfile',
    text: '0123456789abcdef  /etc/rsyslog.conf\n',
    records: ['/etc/rsyslog.conf = 0123456789abcdef  /etc/rsyslog.conf'],
  },
  {
    path: STATUS,
    text: 'Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nMulti-Arch: same\nVersion: 2.36-9\nConffiles:\n /etc/ld.so.conf.d/x86_64-linux-gnu.conf d4e7\nDescription: GNU C Library\n It is long.\n .\n Very.\n\nPackage: adduser\nStatus: install ok installed\nArchitecture: all\nVersion: 3.134\n\n',
    records: [
      'libc6:amd64 = Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nMulti-Arch: same\nVersion: 2.36-9\nConffiles:\n /etc/ld.so.conf.d/x86_64-linux-gnu.conf d4e7\nDescription: GNU C Library\n It is long.\n .\n Very.',
      'adduser:all = Package: adduser\nStatus: install ok installed\nArchitecture: all\nVersion: 3.134',
    ],
  },
  {
    path: 'var/cache/debconf/config.dat',
    text: 'Name: tzdata/Areas\nTemplate: tzdata/Areas\nValue: Etc\nOwners: tzdata\nFlags: seen\n\nName: adduser/homedir-permission\nTemplate: adduser/homedir-permission\nOwners: adduser, other\n\n',
    records: [
      'tzdata/Areas = Name: tzdata/Areas\nTemplate: tzdata/Areas\nValue: Etc',
      'tzdata/Areas (Owners tzdata) = ',
      'tzdata/Areas (Flags seen) = ',
      'adduser/homedir-permission = Name: adduser/homedir-permission\nTemplate: adduser/homedir-permission',
      'adduser/homedir-permission (Owners adduser) = ',
      'adduser/homedir-permission (Owners other) = ',
    ],
  },
];

for (const { path, text, records } of EXAMPLES) {
  test(`${path} has these records, and they are written as they were`, () => {
    assert.ok(isRecordFile(path));
    assert.deepEqual(shown(path, text), records);
    assert.equal(formatRecords(path, parseRecords(path, text)), text);
  });
}

test("the host's own databases come back byte by byte, debconf's but for the order of fields", () => {
  const plain = [
    'etc/passwd',
    'etc/group',
    'etc/shadow',
    'etc/gshadow',
    STATUS,
    'var/lib/dpkg/diversions',
    'var/lib/dpkg/statoverride',
  ];
  for (const path of [
    ...plain,
    'var/lib/dpkg/triggers/File',
    'var/cache/debconf/config.dat',
    'var/cache/debconf/templates.dat',
  ]) {
    if (!existsSync(`/${path}`)) continue;
    const text = readFileSync(`/${path}`, 'latin1');
    const records = parseRecords(path, text);
    const written = formatRecords(path, records);
    assert.deepEqual(parseRecords(path, written), records, path);
    if (plain.includes(path) && !/^Triggers-/m.test(text)) assert.equal(written, text, path);
    else
      assert.deepEqual(
        written.split('\n').sort().filter(Boolean),
        text
          .split('\n')
          .sort()
          .filter((line) => line && !/^Triggers-/.test(line)),
        path,
      );
  }
});

test('no other file is a database', () => {
  for (const path of [
    'etc/passwd-',
    'etc/hosts',
    'usr/etc/passwd',
    'var/lib/dpkg/status-old',
    'var/lib/dpkg/triggers/Lock',
    'var/lib/dpkg/triggers/Unincorp',
    'var/lib/dpkg/available',
    'var/lib/dpkg/info/dpkg.list',
  ]) {
    assert.ok(!isRecordFile(path), path);
    assert.equal(parseRecords(path, 'text').size, 0);
  }
});

const WAITING =
  'Package: libc-bin\nStatus: install ok triggers-pending\nArchitecture: amd64\nTriggers-Pending: ldconfig\n\nPackage: dbus\nStatus: install ok triggers-awaited\nArchitecture: amd64\nTriggers-Awaited: libc-bin\n\n';

test('triggers that wait are a set beside the stanza, and a package that waits counts as installed', () => {
  const records = parseRecords(STATUS, WAITING);
  assert.deepEqual(
    [...records].map(([key, value]) => [recordName(key), value.split('\n')[1]]),
    [
      ['libc-bin:amd64', 'Status: install ok installed'],
      ['libc-bin:amd64 (pending ldconfig)', undefined],
      ['dbus:amd64', 'Status: install ok installed'],
    ],
  );
  assert.deepEqual([...pendingTriggers(records)], [['libc-bin:amd64', ['ldconfig']]]);
  assert.equal(
    formatRecords(STATUS, records),
    'Package: libc-bin\nStatus: install ok triggers-pending\nArchitecture: amd64\nTriggers-Pending: ldconfig\n\nPackage: dbus\nStatus: install ok installed\nArchitecture: amd64\n\n',
  );
});

test('the triggers that wait can be set', () => {
  const records = parseRecords(STATUS, WAITING);
  assert.doesNotMatch(formatRecords(STATUS, withPending(records, new Map())), /trigger/i);
  const others = withPending(records, new Map([['dbus:amd64', ['/usr/share/dbus-1', '/a']]]));
  assert.deepEqual([...pendingTriggers(others)], [['dbus:amd64', ['/a', '/usr/share/dbus-1']]]);
});

test('a field is read with its continuation lines, and only at the start of a line', () => {
  const stanza = 'Package: a\nDescription: Version: 9\n more\nVersion: 1\nConffiles:\n /etc/a 1\n /etc/b 2';
  assert.equal(fieldOf(stanza, 'Package'), 'a');
  assert.equal(fieldOf(stanza, 'Version'), '1');
  assert.equal(fieldOf(stanza, 'Description'), 'Version: 9\n more');
  assert.equal(fieldOf(stanza, 'Conffiles'), '/etc/a 1\n /etc/b 2');
  assert.equal(fieldOf(stanza, 'Vers'), '');
});

/** Words as they stand in these files, bytes above ASCII among them. */
const name = fc.stringMatching(/^[a-z\x80-\xff][a-z0-9_.+-]{0,6}$/);
const names = fc.uniqueArray(name, { maxLength: 4 });

test('whatever stands in a group or gshadow file comes back, and its members are a set', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.record({ key: name, gid: fc.nat(65_535), admins: names, members: names }), {
        selector: ({ key }) => key,
      }),
      (groups) => {
        const group = groups
          .map(({ key, gid, members }) => `${key}:x:${gid}:${members.join(',')}\n`)
          .join('');
        const gshadow = groups
          .map(({ key, admins, members }) => `${key}:!:${admins.join(',')}:${members.join(',')}\n`)
          .join('');
        assert.equal(formatRecords('etc/group', parseRecords('etc/group', group)), group);
        assert.equal(formatRecords('etc/gshadow', parseRecords('etc/gshadow', gshadow)), gshadow);
        const size = groups.reduce((sum, { admins, members }) => sum + 1 + admins.length + members.length, 0);
        assert.equal(parseRecords('etc/gshadow', gshadow).size, size);
      },
    ),
  );
});

test('whatever stands in a status file or one of debconf comes back, sets in byte order', () => {
  const line = fc.stringMatching(/^[!-~]{1,5}( [!-~]{1,5}){0,3}$/);
  const field = fc.tuple(
    fc.constantFrom('Version', 'Depends', 'Description', 'Conffiles'),
    line,
    fc.array(line, { maxLength: 2 }),
  );
  const stanza = fc.record({
    key: name,
    fields: fc.uniqueArray(field, { selector: ([one]) => one }),
    set: names,
  });
  const stanzas = fc.uniqueArray(stanza, { selector: ({ key }) => key });
  const body = (fields: readonly [string, string, string[]][]): string =>
    fields
      .map(([one, first, more]) => `${one}: ${first}\n${more.map((text) => ` ${text}\n`).join('')}`)
      .join('');
  fc.assert(
    fc.property(stanzas, (all) => {
      const status = all.map(({ key, fields, set }) => {
        const waits = set.length > 0;
        const state = `Package: ${key}\nStatus: install ok ${waits ? 'triggers-pending' : 'installed'}\nArchitecture: all\n`;
        return `${state}${body(fields)}${waits ? `Triggers-Pending: ${[...set].sort().join(' ')}\n` : ''}\n`;
      });
      const debconf = all.map(({ key, fields, set }) => {
        const owners = set.length > 0 ? `Owners: ${[...set].sort().join(', ')}\n` : '';
        return `Name: ${key}\nTemplate: x/y\n${body(fields)}${owners}\n`;
      });
      for (const [path, text] of [
        [STATUS, status.join('')],
        ['var/cache/debconf/config.dat', debconf.join('')],
      ] as const) {
        assert.equal(formatRecords(path, parseRecords(path, text)), text);
      }
    }),
  );
});

test('any text at all is read, but for the lines of groups, which have their fields, and what was read once is read the same again', () => {
  const text = fc.string({
    unit: fc.constantFrom('a', 'b', ':', ',', ' ', '\n', '/', '\xff', 'Name: x', 'Package: y', '\n\n'),
  });
  const paths = EXAMPLES.map(({ path }) => path).filter((path) => !/group|gshadow/.test(path));
  fc.assert(
    fc.property(fc.constantFrom(...paths), text, (path, content) => {
      const once = formatRecords(path, parseRecords(path, content));
      assert.equal(formatRecords(path, parseRecords(path, once)), once);
    }),
  );
});
