import assert from 'node:assert/strict';
import { test } from 'node:test';
import { databaseUse, isConfiguring, isDpkg } from '../../src/debian/database-use.ts';

function use(line: string, times = 1): ReturnType<typeof databaseUse> {
  const [file = '', ...words] = line.split(' ');
  return databaseUse({ file, words }, times);
}

test("what dpkg's own programs are asked by name, they tell of those names alone", () => {
  assert.deepEqual(use('/usr/bin/dpkg-query dpkg-query -W -f x dpkg libc6:amd64'), ['dpkg', 'libc6']);
  assert.deepEqual(use('/usr/bin/dpkg-query dpkg-query --showformat=x --show -- cron'), ['cron']);
  assert.deepEqual(use('/usr/bin/dpkg-query dpkg-query --listfiles cron'), ['cron']);
  assert.deepEqual(use('/usr/bin/dpkg dpkg --compare-versions 1 lt 2'), []);
  assert.deepEqual(use('/usr/bin/dpkg-divert dpkg-divert --truename /x', 9), []);
  assert.deepEqual(use('/usr/bin/update-alternatives update-alternatives --display editor'), []);
});

test('whatever else reads the list of packages may have read all of it', () => {
  for (const line of [
    '/usr/bin/dpkg-query dpkg-query -W',
    '/usr/bin/dpkg-query dpkg-query -W lib*',
    '/usr/bin/dpkg-query dpkg-query -S /usr/bin/x',
    '/usr/bin/dpkg-query dpkg-query -W --unknown cron',
    '/usr/bin/dpkg dpkg --audit',
    '/usr/bin/cat cat /var/lib/dpkg/status',
    '/usr/bin/grep grep x /var/lib/dpkg/status',
    '/usr/bin/bash bash /run/snap/prelude.sh',
    '/usr/bin/ln ln /var/lib/dpkg/status /tmp/x',
    '/usr/bin/python3.11 python3',
  ])
    assert.equal(use(line), 'whole', line);
});

test('an interpreter goes there for its script, once', () => {
  assert.deepEqual(use('/usr/bin/dash /bin/sh /var/lib/dpkg/info/cron.postinst configure'), []);
  assert.equal(use('/usr/bin/dash /bin/sh /var/lib/dpkg/info/cron.postinst configure', 2), 'whole');
  assert.deepEqual(use('/usr/bin/dash /bin/sh /var/lib/dpkg/tmp.ci/preinst install'), []);
  assert.deepEqual(
    use('/usr/bin/perl perl -w /usr/share/debconf/frontend /var/lib/dpkg/info/x.postinst', 5),
    [],
  );
  assert.deepEqual(use('/usr/bin/rm rm -f /var/lib/dpkg/tmp.ci', 2), []);
});

test('dpkg is known by its program, and its work by its options', () => {
  assert.equal(isDpkg({ file: '/usr/bin/dpkg-query', words: [] }), true);
  assert.equal(isDpkg({ file: '/usr/bin/dpkg-reconfigure', words: [] }), false);
  assert.equal(isDpkg(undefined), false);
  assert.equal(isConfiguring({ file: '/usr/bin/dpkg', words: ['dpkg', '--configure', 'cron'] }), true);
  assert.equal(isConfiguring({ file: '/usr/bin/dpkg', words: ['dpkg', '-l'] }), false);
});
