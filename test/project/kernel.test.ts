import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConf } from '../../src/project/conf.ts';
import { buildViews, closures, sequence } from '../../src/project/order.ts';
import { readScriptlets, type Scriptlet } from '../../src/project/scriptlet.ts';
import { memoryCache, projectOf, told } from './some-project.ts';

const SHA = 'ab'.repeat(32);

function read(scriptlets: Readonly<Record<string, string>>, list?: readonly string[]): Promise<Scriptlet[]> {
  const listed = Object.fromEntries(
    (list ?? Object.keys(scriptlets)).map((name) => [name, scriptlets[name]!]),
  );
  const files = Object.fromEntries(
    Object.entries(scriptlets).map(([name, text]) => [`scriptlets/${name}.sh`, text]),
  );
  return readScriptlets(loadConf(projectOf(listed, { files }), 'a'), { cache: memoryCache() });
}

test('a scriptlet declares a kernel: its source, patches, configuration, modules', async () => {
  const [kernel] = await read({
    kernel: `kernel_source deb:linux-source-6.1
kernel_patches patches/
kernel_kconfig allnoconfig default.kconfig device-*.kconfig
kernel_kconfig last.kconfig
kernel_module modules/a modules/b
kernel_version_suffix -device
kernel_headers`,
  });
  assert.deepEqual(kernel?.kernel, {
    source: { kind: 'deb', name: 'linux-source-6.1' },
    patches: ['patches'],
    base: 'allnoconfig',
    fragments: ['default.kconfig', 'device-*.kconfig', 'last.kconfig'],
    modules: ['modules/a', 'modules/b'],
    arch: undefined,
    versionSuffix: '-device',
    headers: true,
  });
});

test('a kernel comes from a URL with its digest, and is configured from tinyconfig or from a whole configuration', async () => {
  const source = `kernel_source https://kernel.example/linux-6.1.tar.xz ${SHA.toUpperCase()}`;
  const [plain, whole] = await read({ plain: source, whole: `${source}\nkernel_kconfig board.config` });
  assert.deepEqual(plain?.kernel?.source, {
    kind: 'url',
    url: 'https://kernel.example/linux-6.1.tar.xz',
    sha256: SHA,
  });
  assert.equal(plain?.kernel?.base, 'tinyconfig');
  assert.equal(plain?.kernel?.headers, false);
  assert.equal(whole?.kernel?.base, 'board.config');
  assert.deepEqual(whole?.kernel?.fragments, []);
});

test('what is wrong with the declarations of a kernel is told with its line', async () => {
  const source = 'kernel_source deb:linux-source-6.1\n';
  const cases: Record<string, RegExp> = {
    'kernel_patches patches': /one\.sh:1: "kernel_patches" without "kernel_source"/,
    'build_need gcc': /one\.sh:1: "build_need" without "kernel_source"/,
    [`${source}kernel_headers all`]: /one\.sh:2: "kernel_headers" with arguments: it has none/,
    kernel_source: /"kernel_source" with no argument \| usage:/,
    'kernel_source https://x.example/linux.tar.xz': /"kernel_source" with one argument/,
    'kernel_source https://x.example/linux.tar.xz abc': /"abc" is not a SHA-256/,
    [`kernel_source ftp://x.example/linux.tar.xz ${SHA}`]: /is not an http: or https: URL/,
    'kernel_source deb:Linux': /names no package of Debian's/,
    [`${source}${source}`]: /one\.sh:2: a second "kernel_source"/,
    [`${source}kernel_kconfig a.kconfig tinyconfig`]: /one\.sh:2: "tinyconfig" comes after a fragment/,
    [`${source}kernel_patches ../patches`]: /one\.sh:2: kernel_patches "\.\.\/patches" does not lie in/,
    [`${source}kernel_module /usr/src/x`]: /does not lie in the scriptlet's own folder/,
    [`${source}kernel_version_suffix 'a b'`]: /"a b" cannot be a part of a kernel's version/,
    [`${source}build_need one`]: /it needs itself: one -> one/,
    [`${source}install_debian_deb curl`]:
      /one\.sh:2: "install_debian_deb" beside "kernel_source" \| .*need one/,
    [`${source}do_run() { :; }`]: /"do_run" beside "kernel_source"/,
  };
  for (const [text, expected] of Object.entries(cases)) {
    await assert.rejects(read({ one: text }), (error) => {
      assert.match(told(error), expected, text);
      return true;
    });
  }
});

const BUILDER = {
  kernel: 'build_need gcc\nkernel_source deb:linux-source-6.1',
  gcc: "need tools\ninstall_debian_deb gcc\nexclude_path 'usr/share/doc/*'",
  tools: 'install_debian_deb make',
  user: 'do_run() { :; }',
  last: "need '*'\ndo_run() { :; }",
};

test('what a build needs is read with what that needs, runs before all others, and is seen by the build alone', async () => {
  const scriptlets = await read(BUILDER, ['last', 'user', 'kernel']);
  const only = scriptlets.filter(({ buildOnly }) => buildOnly).map(({ name }) => name);
  assert.deepEqual(only.sort(), ['gcc', 'tools']);
  assert.deepEqual(
    sequence(scriptlets, []).map(({ name }) => name),
    ['tools', 'gcc', 'user', 'kernel', 'last'],
  );
  const sees = closures(scriptlets, []);
  assert.deepEqual([...sees.get('kernel')!], []);
  assert.deepEqual([...sees.get('last')!], ['user', 'kernel']);
  assert.deepEqual([...buildViews(scriptlets, []).get('kernel')!], ['tools', 'gcc']);
  assert.deepEqual(scriptlets.find(({ name }) => name === 'gcc')?.excludes, []);
});

test('a scriptlet of the conf that a build needs too runs before it, wherever the conf lists it', async () => {
  const scriptlets = await read({ ...BUILDER, tools: 'need user\ninstall_debian_deb make' }, [
    'kernel',
    'user',
  ]);
  assert.deepEqual(
    sequence(scriptlets, []).map(({ name }) => name),
    ['user', 'tools', 'gcc', 'kernel'],
  );
  assert.deepEqual([...buildViews(scriptlets, []).get('kernel')!], ['user', 'tools', 'gcc']);
});

test('who needs what only builds have, or builds in a circle, is told', async () => {
  const cases: [Record<string, string>, string[], RegExp][] = [
    [
      { ...BUILDER, user: 'need gcc' },
      ['kernel', 'user'],
      /user\.sh:1: it needs "gcc", which is not a scriptlet of the conf \| .*is there: add/,
    ],
    [
      { ...BUILDER, gcc: "need '*'\ninstall_debian_deb gcc" },
      ['kernel'],
      /gcc\.sh:1: it needs '\*', and a build_need names it/,
    ],
    [
      { ...BUILDER, gcc: 'kernel_source deb:linux-source-6.1' },
      ['kernel'],
      /it makes a kernel, and a build_need names it/,
    ],
    [{ kernel: BUILDER.kernel }, ['kernel'], /there is no file .*gcc\.sh/],
  ];
  for (const [scriptlets, list, expected] of cases) {
    await assert.rejects(read(scriptlets, list), (error) => {
      assert.match(told(error), expected);
      return true;
    });
  }
  const circle = await read(
    { ...BUILDER, user: 'need kernel\ndo_run() { :; }', gcc: 'need user\ninstall_debian_deb gcc' },
    ['kernel', 'user'],
  );
  assert.throws(
    () => sequence(circle, []),
    /its needs run in a circle: kernel -> gcc -> user -> kernel|circle/,
  );
});
