import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hostMirrors } from '../../src/debian/host-sources.ts';
import { DEBIAN_KEYRING, mirrorsFor, parseDeb822, parseOneLine } from '../../src/debian/sources.ts';

const HOST = { suite: 'bookworm', arch: 'amd64', hostSuite: 'bookworm' };

const DEB822 = `# the archive
Types: deb deb-src
# an older address
URIs: http://mirror.example/debian/
Suites: bookworm bookworm-updates bookworm-backports
Components: main
 contrib
Signed-By: /keys/archive.gpg

Types: deb
URIs: http://mirror.example/debian-security http://second.example/debian-security
Suites: bookworm-security
Components: main

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main

Types: deb-src
URIs: http://source.example/debian
Suites: bookworm
Components: main

Types: deb
URIs: http://vendor.example/node
Suites: nodistro
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mDMEY865UxYJKwYB
 -----END PGP PUBLIC KEY BLOCK-----
`;

test('deb822 sources give the archives of the suite, backports and other vendors left out', () => {
  assert.deepEqual(mirrorsFor(parseDeb822(DEB822), HOST), [
    {
      name: 'debian',
      uri: 'http://mirror.example/debian',
      suites: ['bookworm', 'bookworm-updates'],
      components: ['main', 'contrib'],
      signedBy: '/keys/archive.gpg',
    },
    ...['mirror', 'second'].map((host, n) => ({
      name: n === 0 ? 'debian-security' : 'debian-security-2',
      uri: `http://${host}.example/debian-security`,
      suites: ['bookworm-security'],
      components: ['main'],
      signedBy: DEBIAN_KEYRING,
    })),
  ]);
});

test('one-line sources with options, comments and spaces are understood', () => {
  const text = `#deb http://off.example/debian bookworm main
deb [signed-by=/keys/a.gpg arch=amd64,arm64] http://mirror.example/debian bookworm main contrib # mine
deb-src http://mirror.example/debian bookworm main
  deb [ arch=i386 ] http://other.example/debian bookworm main
deb http://mirror.example/debian bookworm-updates main contrib
deb cdrom:[Debian 12]/ bookworm main
`;
  assert.deepEqual(mirrorsFor(parseOneLine(text), HOST), [
    {
      name: 'debian',
      uri: 'http://mirror.example/debian',
      suites: ['bookworm'],
      components: ['main', 'contrib'],
      signedBy: '/keys/a.gpg',
    },
    {
      name: 'debian-2',
      uri: 'http://mirror.example/debian',
      suites: ['bookworm-updates'],
      components: ['main', 'contrib'],
      signedBy: DEBIAN_KEYRING,
    },
  ]);
});

test('an inline key comes out as the armored key itself', () => {
  assert.equal(
    parseDeb822(DEB822).at(-1)?.signedBy,
    '-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmDMEY865UxYJKwYB\n-----END PGP PUBLIC KEY BLOCK-----\n',
  );
});

test('for another release than the host has, the same places are asked for that suite', () => {
  const suites = (suite: string) =>
    mirrorsFor(parseDeb822(DEB822), { ...HOST, suite }).map((mirror) => [mirror.name, mirror.suites]);
  assert.deepEqual(suites('trixie'), [
    ['debian', ['trixie', 'trixie-updates']],
    ['debian-security', ['trixie-security']],
    ['debian-security-2', ['trixie-security']],
  ]);
  assert.deepEqual(suites('sid'), [['debian', ['sid']]]);
});

test('a host that follows "stable" offers its own release under its name', () => {
  const entries = parseOneLine('deb http://mirror.example/debian stable main\n');
  assert.deepEqual(mirrorsFor(entries, HOST)[0]?.suites, ['bookworm']);
});

test("this host's own sources offer its release", async () => {
  const mirrors = await hostMirrors({ suite: 'bookworm', arch: 'amd64' });
  assert.ok(
    mirrors.some((mirror) => mirror.suites.includes('bookworm') && mirror.components.includes('main')),
  );
  await assert.rejects(hostMirrors({ suite: 'bookworm', arch: 'amd64' }, '/nonexistent'), {
    code: 'RESOLVE',
  });
});
