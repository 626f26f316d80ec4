import { closeSync, constants, openSync, realpathSync } from 'node:fs';
import { basename, join } from 'node:path';
import { SnapError } from './host/error.ts';
import { findProgram } from './host/path.ts';
import { currentSlot, readNoteOf, slotsOf } from './layers/image.ts';
import { rootDisk } from './machine/disk.ts';
import { archOf, missingSymbols, type RootKind, rootKindFor } from './machine/kernel-config.ts';
import { type KernelFile, kernelOfImage, kernelOfPerson } from './machine/kernel-file.ts';
import { kvmObstacle } from './machine/kvm.ts';
import { type Machine, machineOf, type Network, runsPrograms } from './machine/machine.ts';
import type { ConsoleStep } from './machine/serial.ts';
import { type Started, type StartRequest, startMachine } from './machine/start.ts';
import { loadConf } from './project/conf.ts';
import { Store } from './store/layers.ts';

export type RunRequest = {
  readonly project: string;
  readonly conf: string;
  /** Instead of the image's newest. */
  readonly kernel: string | undefined;
  /** For the end of the kernel's command line. */
  readonly append: string;
  /** Without it what the kernel can read. */
  readonly root: RootKind | undefined;
  /** MiB. */
  readonly memory: number;
  readonly cpus: number;
  readonly network: Network;
  /** False: emulation, without a trial. */
  readonly kvm: boolean;
  readonly steps: readonly ConsoleStep[];
  /** Seconds. */
  readonly timeout: number | undefined;
  readonly write: StartRequest['write'];
  readonly signal: AbortSignal;
  /** What is worth knowing before the machine starts. */
  readonly tell: (text: string) => void;
};

/**
 * Starts the image of a conf in a virtual machine, and returns when that has ended. Nothing is written to the image or the store.
 * @throws SnapError USAGE when there is no image or no kernel, CHECK when the kernel cannot start from such a root, RUN when it went
 * otherwise than was expected.
 */
export async function runImage(request: RunRequest): Promise<void> {
  using prepared = await prepare(request, loadConf(request.project, request.conf).arch);
  const { memory, cpus, network } = request;
  const { arch, machine, media, commandLine } = prepared;
  const emulated = {
    ...request,
    machine,
    media,
    commandLine,
    hardware: { memory, cpus, network, kvm: false },
  };
  const obstacle = request.kvm ? await kvmObstacle(arch, emulated) : undefined;
  if (obstacle !== undefined)
    request.tell(`the processor is emulated: ${obstacle}; --no-kvm saves the trial`);
  const kvm = request.kvm && obstacle === undefined;
  requireExpected(request, await startMachine({ ...emulated, hardware: { ...emulated.hardware, kvm } }));
}

function requireProgram(machine: Machine): void {
  if (findProgram(machine.program)) return;
  throw new SnapError('HOST', `Cannot start a machine: there is no "${machine.program}"`, {
    hint: `apt-get install ${machine.package}`,
  });
}

type Prepared = Pick<StartRequest, 'machine' | 'media' | 'commandLine'> &
  Disposable & {
    /** What the kernel is for. */
    readonly arch: string;
  };

/** Everything that the machine needs, as open files: what is built or removed afterwards does not reach it. */
async function prepare(request: RunRequest, programs: string): Promise<Prepared> {
  const { project, conf, signal, tell } = request;
  using store = new Store(project);
  const { images, lock } = store.layout;
  using _held = await store.hold(lock, 'shared', () => tell('waiting for "snap gc" to end'), signal);
  const busy = join(images, `.${conf}.busy`);
  using _image = await store.hold(
    busy,
    'shared',
    () => tell(`waiting for the build of "${conf}" to end`),
    signal,
  );
  const { image, digest } = imageOf(store, conf);
  const kernel = request.kernel === undefined ? kernelOfImage(conf, image) : kernelOfPerson(request.kernel);
  const arch = (kernel.config && archOf(kernel.config)) ?? programs;
  const machine = machineOf(arch);
  requireProgram(machine);
  const kind = request.root ?? rootKindFor(kernel.config);
  requireSymbols(kernel, machine, kind);
  if (!runsPrograms(arch, programs)) {
    tell(`the kernel is for ${arch}, and can run no program of this image, which is for ${programs}`);
  }
  const onMake = (): void => tell(`making a ${kind} of the image`);
  const disk = await rootDisk(store, { conf, image, digest, kind, signal, onMake });
  return {
    arch,
    machine,
    commandLine: commandLineFor(machine, kind, request.append),
    ...openMedia(disk, kernel),
  };
}

function imageOf(store: Store, conf: string): { readonly image: string; readonly digest: string } {
  const slot = currentSlot(slotsOf(store.layout.images, conf));
  if (slot) return { image: realpathSync(slot), digest: readNoteOf(slot)?.digest ?? '' };
  throw new SnapError('USAGE', `There is no image of "${conf}"`, {
    hint: `build it first: snap build ${conf}`,
  });
}

function requireSymbols({ file, config, initrd }: KernelFile, machine: Machine, kind: RootKind): void {
  const missing = config ? missingSymbols(config, machine, kind, initrd !== undefined) : [];
  if (missing.length === 0) return;
  const names = missing.map((symbol) => `CONFIG_${symbol}`).join(', ');
  throw new SnapError(
    'CHECK',
    `Cannot start the kernel "${basename(file)}" from a ${kind}: it has no ${names}`,
    {
      hint: "add these to the kernel's kconfig, or name another kernel: --kernel FILE",
    },
  );
}

/** What the person adds comes last, so that it counts. */
function commandLineFor({ console }: Machine, kind: RootKind, append: string): string {
  const root = `root=/dev/vda rootfstype=${kind} ro init=/.snap-run/init`;
  return `console=${console} ${root} panic=-1 ${append}`.trim();
}

function openMedia(disk: string, { file, initrd }: KernelFile): Pick<Prepared, 'media'> & Disposable {
  const fds: number[] = [];
  const open = (path: string): number => {
    const fd = openSync(path, constants.O_RDONLY);
    fds.push(fd);
    return fd;
  };
  const close = (): void => {
    for (const fd of fds) closeSync(fd);
  };
  try {
    const media = {
      disk: open(disk),
      kernel: open(file),
      initrd: initrd === undefined ? undefined : open(initrd),
    };
    return { media, [Symbol.dispose]: close };
  } catch (error) {
    close();
    throw error;
  }
}

function requireExpected({ conf, timeout }: RunRequest, { ending, awaited, lines }: Started): void {
  const isDone = ending.kind === 'seen' || (ending.kind === 'off' && awaited === undefined);
  if (isDone) return;
  const why = {
    seen: '',
    off: 'the machine went off',
    panic: 'its kernel panicked',
    time: `${timeout} seconds have passed`,
  }[ending.kind];
  const what = awaited === undefined ? 'Stopped' : `Cannot see "${awaited.source}" on the console of`;
  throw new SnapError('RUN', `${what} "${conf}": ${why}`, {
    lines,
    ...(ending.kind === 'time' ? { hint: 'give it more time: --timeout SECONDS' } : {}),
  });
}
