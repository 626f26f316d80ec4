import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { project } from './fixture/project.ts';

/** More than overlayfs stacks in one mount. */
const COUNT = 520;

test(`${COUNT} scriptlets in one conf are built, and one that needs all of them sees and changes what they made`, (t) => {
  const made = project(t);
  const texts = Array.from({ length: COUNT }, (_, n) => [
    `s${n}`,
    `do_run() { copy_file file opt/files/${n}; }\n`,
  ]);
  const all = `need '*'
do_run() {
  cd /opt/files
  ls | wc -l >/opt/count
  cat 0 ${COUNT - 1} >>/opt/count
  rm 1 ${COUNT - 2}
  echo changed >2
  chmod 0700 .
}
`;
  made.scriptlets({ ...Object.fromEntries(texts), all });
  for (let n = 0; n < COUNT; n++) made.write(`scriptlets/s${n}/file`, `content ${n}\n`);
  const { status, stderr } = made.snap('build', '--json');
  assert.equal(status, 0, stderr.slice(-2000));
  assert.equal(readFileSync(made.image('opt/count'), 'utf8'), `${COUNT}\ncontent 0\ncontent ${COUNT - 1}\n`);
  const kept = Array.from({ length: COUNT }, (_, n) => String(n)).filter(
    (n) => n !== '1' && n !== String(COUNT - 2),
  );
  assert.deepEqual(readdirSync(made.image('opt/files')).sort(), kept.sort());
  assert.equal(readFileSync(made.image('opt/files/2'), 'utf8'), 'changed\n');

  const shown = made.snap('shell', 'all', '--', 'sh', '-c', 'ls /opt/files | wc -l');
  assert.deepEqual([shown.status, shown.stdout], [0, `${COUNT}\n`]);
  const again = made.snap('build', '--json');
  const { layers } = JSON.parse(again.stdout) as { layers: { state: string }[] };
  assert.deepEqual(new Set(layers.map(({ state }) => state)), new Set(['hit']));
});
