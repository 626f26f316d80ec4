import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seccompFilter } from '../../src/layers/seccomp.ts';

const ALLOW = 0x7fff0000;
const EPERM = 0x00050001;
const ENOSYS = 0x00050026;

/** What the kernel makes of the filter: classic BPF over struct seccomp_data. */
function verdict(filter: Buffer, arch: number, nr: number, args: readonly number[] = []): number {
  const data = Buffer.alloc(64);
  data.writeInt32LE(nr | 0, 0);
  data.writeUInt32LE(arch, 4);
  args.forEach((arg, index) => void data.writeBigUInt64LE(BigInt(arg), 16 + index * 8));
  let accumulator = 0;
  for (let at = 0; at * 8 < filter.length; at++) {
    const code = filter.readUInt16LE(at * 8);
    const [yes, no] = [filter[at * 8 + 2]!, filter[at * 8 + 3]!];
    const value = filter.readUInt32LE(at * 8 + 4);
    if (code === 0x20) accumulator = data.readUInt32LE(value);
    else if (code === 0x06) return value;
    else if (code === 0x05) at += value;
    else if (code === 0x15) at += accumulator === value ? yes : no;
    else if (code === 0x35) at += accumulator >= value ? yes : no;
    else if (code === 0x45) at += (accumulator & value) !== 0 ? yes : no;
    else assert.fail(`an instruction of code ${code}`);
  }
  return assert.fail('the filter ends without a verdict');
}

const X86_64 = 0xc000003e;
const I386 = 0x40000003;
const ARM64 = 0xc00000b7;
const ARM = 0x40000028;
const NEW_USER = 0x10000000;

const FILTERS = {
  x64: seccompFilter('x64')!,
  arm64: seccompFilter('arm64')!,
  riscv64: seccompFilter('riscv64')!,
};

test('a system call is told by its number and the interface that it comes through', () => {
  // mount, keyctl and open are 165, 250, 2 on x86-64; on i386 they are 21, 288, 5, and 165 is getresuid.
  const { x64, arm64 } = FILTERS;
  assert.deepEqual(
    [165, 250, 2, 21].map((nr) => verdict(x64, X86_64, nr)),
    [EPERM, EPERM, ALLOW, ALLOW],
  );
  assert.deepEqual(
    [21, 288, 5, 165].map((nr) => verdict(x64, I386, nr)),
    [EPERM, EPERM, ALLOW, ALLOW],
  );
  assert.deepEqual(
    [40, 219, 56].map((nr) => verdict(arm64, ARM64, nr)),
    [EPERM, EPERM, ALLOW],
  );
  assert.deepEqual(
    [21, 311, 5].map((nr) => verdict(arm64, ARM, nr)),
    [EPERM, EPERM, ALLOW],
  );
});

test('a process may be made, but not in a user namespace', () => {
  const ways = [
    { filter: FILTERS.x64, arch: X86_64, clone: 56, unshare: 272 },
    { filter: FILTERS.x64, arch: I386, clone: 120, unshare: 310 },
    { filter: FILTERS.arm64, arch: ARM64, clone: 220, unshare: 97 },
    { filter: FILTERS.arm64, arch: ARM, clone: 120, unshare: 337 },
    { filter: FILTERS.riscv64, arch: 0xc00000f3, clone: 220, unshare: 97 },
  ];
  for (const { filter, arch, clone, unshare } of ways) {
    for (const nr of [clone, unshare]) {
      assert.equal(verdict(filter, arch, nr, [NEW_USER | 17]), EPERM);
      assert.equal(verdict(filter, arch, nr, [17]), ALLOW);
    }
    assert.equal(verdict(filter, arch, 435), ENOSYS, 'clone3 hides its flags');
  }
});

test('an ioctl may do all but type into a terminal', () => {
  assert.equal(verdict(FILTERS.x64, X86_64, 16, [0, 0x5412]), EPERM);
  assert.equal(verdict(FILTERS.x64, X86_64, 16, [0, 0x541c]), EPERM);
  assert.equal(verdict(FILTERS.x64, X86_64, 16, [0, 0x5401]), ALLOW);
});

test('another interface than the known ones gets no system call', () => {
  assert.equal(verdict(FILTERS.x64, X86_64, 0x4000_0000 + 2), ENOSYS, 'x32');
  assert.equal(verdict(FILTERS.x64, ARM64, 1), ENOSYS);
  assert.equal(seccompFilter('s390x'), undefined);
});
