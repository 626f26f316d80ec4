import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { controlOf } from '../../src/debian/deb.ts';
import { debPath } from '../../src/debian/debs.ts';
import { download } from '../../src/debian/download.ts';
import { hostMirrors } from '../../src/debian/host-sources.ts';
import { field } from '../../src/debian/packages.ts';
import { resolve } from '../../src/debian/resolve.ts';

test("packages of the host's own mirror are resolved, and one of them comes and is what it says", async () => {
  const store = await mkdtemp(join(tmpdir(), 'snap-mirror-'));
  try {
    const mirrors = await hostMirrors({ suite: 'bookworm', arch: 'amd64' });
    const debsDir = join(store, 'debs');
    const lock = await resolve({
      suite: 'bookworm',
      arch: 'amd64',
      mirrors,
      wants: new Map([
        ['dbus', ['dbus']],
        ['bluez', ['bluez']],
        ['mail', ['msmtp-mta']],
        ['cron', ['bsd-mailx']],
      ]),
      aptDir: join(store, 'apt'),
      debsDir,
      offline: false,
      now: () => 1_700_000_000,
    });
    const names = (ids: readonly string[]) => ids.map((id) => id.replace(/:.*/, ''));
    const base = names(lock.base);
    for (const name of ['libc6', 'dpkg', 'apt', 'bash', 'usr-is-merged'])
      assert.ok(base.includes(name), name);
    assert.ok(!base.includes('perl') && !base.includes('usrmerge'), 'a small base');
    const bluez = names(lock.closures.get('bluez')?.debs ?? []);
    assert.equal(bluez.at(-1), 'bluez');
    assert.ok(bluez.indexOf('libdbus-1-3') < bluez.indexOf('dbus'), 'in the order of installation');
    assert.ok(names(lock.closures.get('cron')?.debs ?? []).includes('msmtp-mta'), 'the chosen alternative');
    assert.deepEqual(names(lock.tools), ['libeatmydata1']);
    const tool = lock.pins.get(lock.tools[0]!)!;
    await download([tool], { debsDir, mirrors, offline: false, report: () => undefined });
    assert.equal(field(await controlOf(debPath(debsDir, tool)), 'Version'), tool.version);
  } finally {
    await rm(store, { recursive: true });
  }
});
