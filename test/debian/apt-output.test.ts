import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  explanation,
  fetchedReleases,
  parseSimulation,
  updateProblems,
} from '../../src/debian/apt-output.ts';

const MIRRORS = [
  { name: 'debian', uri: 'http://user:secret@m.example/debian', suites: ['bookworm', 'bookworm-updates'] },
  { name: 'debian-security', uri: 'http://m.example/debian-security/', suites: ['bookworm-security'] },
].map((mirror) => ({ ...mirror, components: ['main'], signedBy: undefined }));

test('what apt would install and remove is read in its order', () => {
  const stdout = `Inst gcc-12-base (12.2.0-14 Debian:12.15/oldstable [amd64])
Inst libc6 (2.36-9 Debian:12.15/oldstable, Debian-Security:12/oldstable-security [amd64]) []
Inst tzdata [2024a-0] (2024b-0 volatile-packages-file [all])
Remv nano [7.2-1]
Conf libc6 (2.36-9 Debian:12.15/oldstable [amd64])
`;
  assert.deepEqual(parseSimulation(stdout), {
    installed: [
      { name: 'gcc-12-base', version: '12.2.0-14', arch: 'amd64' },
      { name: 'libc6', version: '2.36-9', arch: 'amd64' },
      { name: 'tzdata', version: '2024b-0', arch: 'all' },
    ],
    removed: ['nano'],
  });
});

test('an explanation is what stands under the unmet dependencies', () => {
  const stdout =
    'Reading package lists...\nThe following packages have unmet dependencies:\n a : Depends: b\n';
  assert.deepEqual(explanation({ stdout, stderr: 'W: x\nE: Broken packages\n' }), [
    ' a : Depends: b',
    'E: Broken packages',
  ]);
});

test('a refused archive is named with its suite and the cause, the longest suite first', () => {
  const stderr = `W: GPG error: http://m.example/debian-security bookworm-security InRelease: The following signatures couldn't be verified because the public key is not available: NO_PUBKEY 0E98404D386FA1D9
E: The repository 'http://m.example/debian-security bookworm-security InRelease' is not signed.
E: Failed to fetch http://m.example/debian/dists/bookworm-updates/main/binary-amd64/Packages.xz  Hash Sum mismatch
E: Some index files failed to download. They have been ignored, or old ones used instead.
`;
  assert.deepEqual(updateProblems(stderr, MIRRORS), [
    {
      archive: 'debian-security',
      suite: 'bookworm-security',
      reason: 'it is signed by a key that is not in the keyring (0E98404D386FA1D9)',
    },
    { archive: 'debian', suite: 'bookworm-updates', reason: 'an index is not what its Release file says' },
    { archive: 'debian-security', suite: 'bookworm-security', reason: 'it is not signed' },
  ]);
});

test('words of apt that are not known are passed on', () => {
  assert.deepEqual(updateProblems('E: Something new\n', MIRRORS), [
    { archive: undefined, suite: undefined, reason: 'Something new' },
  ]);
});

test('the digest of each Release file that was fetched is read, under its address without a password', () => {
  const [a, b] = ['a'.repeat(64), 'b'.repeat(64)];
  const stderr = `201 URI Done: http://user:secret@m.example/debian/dists/bookworm/InRelease
ReceivedHash:
\t- SHA512:cc
\t- SHA256:${a}
\t- Checksum-FileSize:548
ExpectedHash:
\t- SHA256:${b}

201 URI Done: http://m.example/debian/dists/bookworm/InRelease
ReceivedHash:
ExpectedHash:

201 URI Done: http://m.example/debian/dists/bookworm/main/binary-amd64/Packages.xz
ReceivedHash:
\t- SHA256:${b}
ExpectedHash:
201 URI Done: http://m.example/other/dists/sid/Release
ReceivedHash:
\t- SHA256:${b}
`;
  assert.deepEqual(
    fetchedReleases(stderr),
    new Map([
      ['http://m.example/debian/dists/bookworm/InRelease', a],
      ['http://m.example/other/dists/sid/Release', b],
    ]),
  );
  assert.deepEqual(fetchedReleases(''), new Map());
});
