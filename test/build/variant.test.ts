import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { build, lockText, makeProject } from './small-project.ts';

const DEVICE = {
  network: 'install_debian_deb netbase\n',
  user: 'do_run() { adduser --quiet --system --group keeper; }\n',
  hostname: 'need network\nuse_var DEVICE_NAME\ndo_run() { echo "$DEVICE_NAME" >/etc/hostname; }\n',
  first: 'do_run() { echo first >>/etc/both; }\n',
  second: 'do_run() { echo second >>/etc/both; }\n',
};

const CUSTOMER = {
  'conf/customer-x.toml': 'extends = "a"\nscriptlets = ["brand-x"]\n[vars]\nDEVICE_NAME = "x-logger"\n',
  'scriptlets/brand-x.sh': 'need hostname\ndo_run() { copy_file motd etc/; }\n',
  'scriptlets/brand-x/motd': 'X\n',
};

test('a customer variant runs its own scriptlet and the one whose variable differs; all else is shared', () => {
  const project = makeProject(DEVICE, { vars: 'DEVICE_NAME = "logger"', files: CUSTOMER, apt: true });
  const device = build(project);
  const customer = build(project, [], { conf: 'customer-x' });
  assert.deepEqual(customer.ran, ['hostname', 'brand-x']);
  assert.match(customer.json.layers.find(({ name }) => name === 'hostname')?.reason ?? '', /DEVICE_NAME/);
  const read = (path: string): string => readFileSync(join(customer.json.image, path), 'utf8');
  assert.deepEqual(
    [read('etc/hostname'), read('etc/motd'), read('etc/both')],
    ['x-logger\n', 'X\n', 'first\nsecond\n'],
  );
  assert.equal(readFileSync(join(device.json.image, 'etc/hostname'), 'utf8'), 'logger\n');

  const facts = (conf: string): string[] =>
    lockText(project, conf)
      .split('\n')
      .filter((line) => /^(epoch|base|uid|gid|deb|closure) /.test(line));
  assert.deepEqual(
    facts('customer-x').filter((line) => !facts('a').includes(line)),
    [],
  );
  for (const conf of ['a', 'customer-x'])
    assert.deepEqual(build(project, ['--locked'], { conf }).ran, [], conf);
});
