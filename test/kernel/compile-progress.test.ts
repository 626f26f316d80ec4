import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  beginCompiling,
  compilingWords,
  firstError,
  readMakeOutput,
} from '../../src/kernel/compile-progress.ts';

const OUTPUT = `  GEN     Makefile
  HOSTCC  scripts/basic/fixdep
snap: files to compile: 456
  CC      init/main.o
  AS      arch/x86/entry/entry.o
  AR      init/built-in.a
drivers/net/loopback.c: In function 'loopback_xmit':
drivers/net/loopback.c:70:13: warning: unused variable 'x' [-Wunused-variable]
   70 |         int x;
      |             ^
  CC [M]  drivers/net/dummy.o
  LD [M]  drivers/net/dummy.ko
`;

test('the progress of make is files compiled of files to compile, the folder, and warnings, however the output is cut', () => {
  const whole = readMakeOutput(beginCompiling(undefined), OUTPUT);
  assert.equal(compilingWords(whole), 'compiling 4 of 456 files, drivers/net, 1 warning');
  for (const size of [1, 7, 64]) {
    let compiling = beginCompiling(undefined);
    for (let at = 0; at < OUTPUT.length; at += size) {
      compiling = readMakeOutput(compiling, OUTPUT.slice(at, at + size));
    }
    assert.deepEqual(compiling, whole);
  }
});

test('a build of which nobody knows how much there is to do counts what it has compiled', () => {
  assert.equal(
    compilingWords(readMakeOutput(beginCompiling(undefined), '  CC      init/main.o\n')),
    'compiling 1 file, init',
  );
  assert.equal(compilingWords(beginCompiling(undefined)), 'compiling 0 files');
});

/** gcc 12 in a make of two processes, as it came. */
const FAILED = `  CC      drivers/virtio/virtio.o
  CC      lib/string.o
In file included from /usr/src/linux/include/linux/kernel.h:20,
                 from /usr/src/linux/drivers/virtio/virtio_ring.c:6:
/usr/src/linux/drivers/virtio/virtio_ring.c: In function 'virtqueue_kick':
/usr/src/linux/drivers/virtio/virtio_ring.c:2207:9: error: implicit declaration of function 'kick' [-Werror=implicit-function-declaration]
 2207 |         kick(vq);
      |         ^~~~
/usr/src/linux/drivers/virtio/virtio_ring.c:2209:1: error: control reaches end of non-void function [-Werror=return-type]
 2209 | }
      | ^
cc1: some warnings being treated as errors
make[4]: *** [/usr/src/linux/scripts/Makefile.build:250: drivers/virtio/virtio_ring.o] Error 1
  CC      lib/bitmap.o
make[3]: *** [/usr/src/linux/scripts/Makefile.build:503: drivers/virtio] Error 2
make[1]: *** [/usr/src/linux/Makefile:2013: .] Error 2
make: *** [Makefile:250: __sub-make] Error 2
`;

test('of a failed make the first error of the compiler is shown, alone, with its file and line', () => {
  assert.deepEqual(firstError(FAILED), {
    what: "drivers/virtio/virtio_ring.c:2207:9: implicit declaration of function 'kick' [-Werror=implicit-function-declaration]",
    lines: [
      'In file included from include/linux/kernel.h:20,',
      '                 from drivers/virtio/virtio_ring.c:6:',
      "drivers/virtio/virtio_ring.c: In function 'virtqueue_kick':",
      "drivers/virtio/virtio_ring.c:2207:9: error: implicit declaration of function 'kick' [-Werror=implicit-function-declaration]",
      ' 2207 |         kick(vq);',
      '      |         ^~~~',
    ],
  });
});

test('errors of linker, modpost, Kconfig and make itself are found where no compiler has one', () => {
  const cases: Record<string, string> = {
    "  LD      vmlinux\nld: drivers/a.o: in function `f':\nld: drivers/a.c:12: undefined reference to `gone'\nmake[1]: *** [x] Error 1":
      "drivers/a.c:12: undefined reference to `gone'",
    'ERROR: modpost: "gone" [/usr/src/modules/m/m.ko] undefined!\nmake[1]: *** [x] Error 1':
      'ERROR: modpost: "gone" [m/m.ko] undefined!',
    "make[3]: *** No rule to make target 'drivers/x/y.o', needed by 'drivers/x/built-in.a'.  Stop.\nmake: *** [x] Error 2":
      "No rule to make target 'drivers/x/y.o', needed by 'drivers/x/built-in.a'.  Stop.",
    'drivers/Kconfig:12: syntax error\nmake[2]: *** [y] Error 1': 'drivers/Kconfig:12: syntax error',
    "scripts/Kconfig.include:39: C compiler 'aarch64-linux-gnu-gcc' not found\nmake[2]: *** [y] Error 1":
      "scripts/Kconfig.include:39: C compiler 'aarch64-linux-gnu-gcc' not found",
    '/bin/sh: 1: flex: not found\nmake[1]: *** [z] Error 127': '/bin/sh: 1: flex: not found',
  };
  for (const [log, expected] of Object.entries(cases)) assert.equal(firstError(log)?.what, expected);
  assert.equal(firstError('all is well\n'), undefined);
});
