import { SnapError } from '../host/error.ts';

/** What qemu starts an image of one architecture as. */
export type Machine = {
  readonly program: string;
  /** Debian's package with it. */
  readonly package: string;
  readonly arguments: readonly string[];
  /** What the kernel calls the serial line. */
  readonly console: string;
  /** The end of the names of virtio devices. */
  readonly bus: 'pci' | 'ccw';
  /** What a kernel needs for this machine, beside what it needs for every one: each line holds symbols of which one will do. */
  readonly symbols: readonly (readonly string[])[];
};

const PC = {
  package: 'qemu-system-x86',
  arguments: ['-machine', 'q35'],
  console: 'ttyS0',
  bus: 'pci',
  symbols: [['SERIAL_8250_CONSOLE'], ['VIRTIO_PCI']],
} as const;

const ARM = {
  package: 'qemu-system-arm',
  console: 'ttyAMA0',
  bus: 'pci',
  symbols: [['SERIAL_AMBA_PL011_CONSOLE'], ['PCI_HOST_GENERIC'], ['VIRTIO_PCI']],
} as const;

/** By Debian's names of architectures. */
const MACHINES: Readonly<Record<string, Machine>> = {
  amd64: { ...PC, program: 'qemu-system-x86_64' },
  i386: { ...PC, program: 'qemu-system-i386' },
  arm64: { ...ARM, program: 'qemu-system-aarch64', arguments: ['-machine', 'virt'] },
  armhf: { ...ARM, program: 'qemu-system-arm', arguments: ['-machine', 'virt,highmem=off'] },
};

/** @throws SnapError USAGE for an architecture that no machine is known for. */
export function machineOf(arch: string): Machine {
  const machine = MACHINES[arch];
  if (machine) return machine;
  throw new SnapError('USAGE', `Cannot start a machine for ${arch}: none is known`, {
    hint: `kernels for ${Object.keys(MACHINES).join(', ')} can be started`,
  });
}

/** Whether a kernel for an architecture of Debian's can run programs of another one; its configuration may still forbid that. */
export function runsPrograms(kernel: string, programs: string): boolean {
  return kernel === programs || (FURTHER[kernel] ?? []).includes(programs);
}

const FURTHER: Readonly<Record<string, readonly string[]>> = {
  amd64: ['i386'],
  arm64: ['armhf', 'armel'],
  armhf: ['armel'],
};

/** Whether this processor, as Node calls it, can run programs of an architecture of Debian's by itself. */
export function isNative(arch: string, processor: string): boolean {
  return (NATIVE[processor] ?? []).includes(arch);
}

const NATIVE: Readonly<Record<string, readonly string[]>> = { x64: ['amd64', 'i386'], arm64: ['arm64'] };

/** One port of this machine's loopback that leads to a port of the device. */
export type Forward = { readonly host: number; readonly guest: number };

/**
 * What the device has of a network: nothing; only what is forwarded to it, and no way out; or a way out as well, to all that this
 * machine reaches.
 */
export type Network = { readonly kind: 'none' | 'closed' | 'open'; readonly forwards: readonly Forward[] };

export type Hardware = {
  /** MiB. */
  readonly memory: number;
  readonly cpus: number;
  readonly network: Network;
  /** Processor by the host's kernel, not by emulation. */
  readonly kvm: boolean;
};

/** Where a started machine finds things; paths are those that qemu sees. */
export type Media = {
  readonly kernel: string;
  readonly initrd?: string;
  /** The open file with the root filesystem. */
  readonly diskDescriptor: number;
  /** The kernel's command line. */
  readonly commandLine: string;
};

/**
 * The command line of qemu. The console is on standard input and output; with `monitor` Ctrl-A leads to qemu itself, and Ctrl-A x ends
 * it. Nothing that the device writes goes to the disk.
 */
export function qemuCommand(machine: Machine, hardware: Hardware, media: Media, monitor: boolean): string[] {
  const { memory, cpus, network, kvm } = hardware;
  return [
    machine.program,
    ...['-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none'],
    // No process of its own, no other user, no old system calls: what comes out of the device finds little here.
    ...['-sandbox', 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny'],
    ...machine.arguments,
    ...['-accel', kvm ? 'kvm' : 'tcg', '-cpu', 'max'],
    ...['-m', `${memory}M`, '-smp', String(cpus)],
    ...[
      '-chardev',
      `stdio,id=console,signal=off,mux=${monitor ? 'on' : 'off'}`,
      '-serial',
      'chardev:console',
    ],
    ...(monitor ? ['-mon', 'chardev=console,mode=readline'] : []),
    ...['-add-fd', `fd=${media.diskDescriptor},set=1`],
    ...[
      '-blockdev',
      'driver=raw,node-name=root,read-only=on,file.driver=file,file.filename=/dev/fdset/1,file.locking=off',
    ],
    ...['-device', `virtio-blk-${machine.bus},drive=root`],
    ...['-device', `virtio-rng-${machine.bus}`],
    ...networkArguments(machine, network),
    ...['-kernel', media.kernel, ...(media.initrd === undefined ? [] : ['-initrd', media.initrd])],
    ...['-append', media.commandLine],
  ];
}

function networkArguments({ bus }: Machine, { kind, forwards }: Network): string[] {
  if (kind === 'none') return ['-nic', 'none'];
  const rules = forwards.map(({ host, guest }) => `,hostfwd=tcp:127.0.0.1:${host}-:${guest}`).join('');
  const rom = bus === 'pci' ? ',romfile=' : '';
  return [
    ...['-netdev', `user,id=wire,restrict=${kind === 'closed' ? 'on' : 'off'}${rules}`],
    ...['-device', `virtio-net-${bus},netdev=wire${rom}`],
  ];
}
