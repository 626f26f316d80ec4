/**
 * The system calls that no step of a layer may make, as a seccomp filter. Capabilities refuse most of what would reach the host; this
 * closes the ways to regain them (a user namespace), and what asks for none (keyrings, which are the host's own; a file handle).
 */

const EPERM = 1;
const ENOSYS = 38;
const CLONE_NEWUSER = 0x1000_0000;
/** Pushes characters into a terminal's input, as if they had been typed. */
const TIOCSTI = 0x5412;
const TIOCLINUX = 0x541c;

/** Numbers from 424 on are the same everywhere. */
const COMMON = {
  io_uring_setup: 425,
  io_uring_enter: 426,
  io_uring_register: 427,
  open_tree: 428,
  move_mount: 429,
  fsopen: 430,
  fsconfig: 431,
  fsmount: 432,
  fspick: 433,
  mount_setattr: 442,
  open_tree_attr: 467,
} as const;

/** Its flags lie in memory, where no filter can look. The C library takes clone(2) where the kernel does not know it. */
const CLONE3 = 435;

type Table = {
  /** AUDIT_ARCH_* of linux/audit.h. */
  readonly audit: number;
  /** From here on the numbers are those of another interface (x32), which no Debian architecture uses. */
  readonly foreign?: number;
  readonly clone: number;
  readonly unshare: number;
  readonly ioctl: number;
  readonly refused: Readonly<Record<string, number>>;
};

const X86_64: Table = {
  audit: 0xc000003e,
  foreign: 0x4000_0000,
  clone: 56,
  unshare: 272,
  ioctl: 16,
  refused: {
    syslog: 103,
    pivot_root: 155,
    mount: 165,
    umount2: 166,
    swapon: 167,
    swapoff: 168,
    reboot: 169,
    init_module: 175,
    delete_module: 176,
    kexec_load: 246,
    add_key: 248,
    request_key: 249,
    keyctl: 250,
    perf_event_open: 298,
    open_by_handle_at: 304,
    setns: 308,
    finit_module: 313,
    kexec_file_load: 320,
    bpf: 321,
    userfaultfd: 323,
  },
};

const I386: Table = {
  audit: 0x40000003,
  clone: 120,
  unshare: 310,
  ioctl: 54,
  refused: {
    mount: 21,
    umount: 22,
    umount2: 52,
    swapon: 87,
    reboot: 88,
    syslog: 103,
    swapoff: 115,
    init_module: 128,
    delete_module: 129,
    pivot_root: 217,
    kexec_load: 283,
    add_key: 286,
    request_key: 287,
    keyctl: 288,
    perf_event_open: 336,
    open_by_handle_at: 342,
    setns: 346,
    finit_module: 350,
    bpf: 357,
    userfaultfd: 374,
  },
};

const ARM64: Table = {
  audit: 0xc00000b7,
  clone: 220,
  unshare: 97,
  ioctl: 29,
  refused: {
    umount2: 39,
    mount: 40,
    pivot_root: 41,
    kexec_load: 104,
    init_module: 105,
    delete_module: 106,
    syslog: 116,
    reboot: 142,
    add_key: 217,
    request_key: 218,
    keyctl: 219,
    swapon: 224,
    swapoff: 225,
    perf_event_open: 241,
    open_by_handle_at: 265,
    setns: 268,
    finit_module: 273,
    bpf: 280,
    userfaultfd: 282,
    kexec_file_load: 294,
  },
};

const ARM: Table = {
  audit: 0x40000028,
  clone: 120,
  unshare: 337,
  ioctl: 54,
  refused: {
    mount: 21,
    umount2: 52,
    swapon: 87,
    reboot: 88,
    syslog: 103,
    swapoff: 115,
    init_module: 128,
    delete_module: 129,
    pivot_root: 218,
    add_key: 309,
    request_key: 310,
    keyctl: 311,
    kexec_load: 347,
    perf_event_open: 364,
    open_by_handle_at: 371,
    setns: 375,
    finit_module: 379,
    bpf: 386,
    userfaultfd: 388,
    kexec_file_load: 401,
  },
};

/** By Node's name of the machine that builds: its own interface first, then those of 32 bit that its kernel takes as well. */
const MACHINES: Readonly<Record<string, readonly Table[]>> = {
  x64: [X86_64, I386],
  arm64: [ARM64, ARM],
  riscv64: [{ ...ARM64, audit: 0xc00000f3 }],
};

/** The filter as `bwrap --seccomp` reads it; undefined for a machine whose numbers are not known here. */
export function seccompFilter(machine: string): Buffer | undefined {
  const tables = MACHINES[machine];
  if (!tables) return undefined;
  const blocks = tables.map(blockOf);
  const program = [
    load(ARCH),
    ...blocks.flatMap((block) => [...jumpOver(block.audit, block.code.length), ...block.code]),
    give(refuse(ENOSYS)),
  ];
  return Buffer.concat(program);
}

const [LD, JMP_ALWAYS, JEQ, JGE, JSET, RET] = [0x20, 0x05, 0x15, 0x35, 0x45, 0x06];
const [NR, ARCH, ARG0, ARG1] = [0, 4, 16, 24];
const ALLOW = 0x7fff_0000;

function refuse(errno: number): number {
  return 0x0005_0000 | errno;
}

/** One instruction of classic BPF (linux/filter.h), little endian as all machines here. */
function instruction(code: number, value: number, yes = 0, no = 0): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(code, 0);
  bytes.writeUInt8(yes, 2);
  bytes.writeUInt8(no, 3);
  bytes.writeUInt32LE(value, 4);
  return bytes;
}

function load(offset: number): Buffer {
  return instruction(LD, offset);
}

function give(result: number): Buffer {
  return instruction(RET, result);
}

/** Goes on with the next `length` instructions for this architecture, past them for others. */
function jumpOver(audit: number, length: number): Buffer[] {
  return [instruction(JEQ, audit, 1, 0), instruction(JMP_ALWAYS, length)];
}

/** Each test is followed by what it decides, so no jump is longer than a step. */
function blockOf(table: Table): { readonly audit: number; readonly code: readonly Buffer[] } {
  const refused = [...Object.values(table.refused), ...Object.values(COMMON)];
  const code = [
    load(NR),
    ...(table.foreign === undefined ? [] : [instruction(JGE, table.foreign, 0, 1), give(refuse(ENOSYS))]),
    ...refused.flatMap((number) => [instruction(JEQ, number, 0, 1), give(refuse(EPERM))]),
    instruction(JEQ, CLONE3, 0, 1),
    give(refuse(ENOSYS)),
    ...[table.clone, table.unshare].flatMap((number) => [
      instruction(JEQ, number, 0, 4),
      load(ARG0),
      instruction(JSET, CLONE_NEWUSER, 0, 1),
      give(refuse(EPERM)),
      give(ALLOW),
    ]),
    instruction(JEQ, table.ioctl, 0, 5),
    load(ARG1),
    instruction(JEQ, TIOCSTI, 1, 0),
    instruction(JEQ, TIOCLINUX, 0, 1),
    give(refuse(EPERM)),
    give(ALLOW),
    give(ALLOW),
  ];
  return { audit: table.audit, code };
}
