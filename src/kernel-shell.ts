import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { writeFile } from './host/write.ts';
import { BUILD, builderEnvironment } from './kernel/builder.ts';
import { configure } from './kernel/configure.ts';
import { type KernelRequest, withKernelTree } from './kernel-tree.ts';
import type { Report } from './report/event.ts';

export type KernelShellRequest = KernelRequest & {
  /** Instead of an interactive shell. */
  readonly command: readonly string[];
};

/**
 * A shell in the patched source of a kernel, in the view that it is built in; what is changed there is thrown away. make builds in a
 * folder of its own with the kernel's configuration, not in the tree that is kept. Returns the shell's exit code.
 */
export function kernelShell(request: KernelShellRequest, report: Report, ready: () => void): Promise<number> {
  return withKernelTree(request, report, async ({ job, patched }) => {
    const config = await configure(job, patched);
    const build = join(job.work, 'shell-build');
    mkdirSync(build, { mode: 0o755 });
    writeFile(join(build, '.config'), config);
    ready();
    const { arch, crossCompile } = job.target;
    const command = request.command.length > 0 ? request.command : ['/bin/bash', '-i'];
    return job.builder.enter(command, {
      env: {
        ...builderEnvironment(job.workshop.lock.epoch),
        TERM: process.env.TERM ?? 'dumb',
        ARCH: arch,
        ...(crossCompile === '' ? {} : { CROSS_COMPILE: crossCompile }),
        LOCALVERSION: job.versionSuffix,
        KBUILD_OUTPUT: BUILD,
      },
      binds: [{ from: build, to: BUILD, writable: true }],
      over: [join(job.tree.folder, 'patched'), job.pristine],
    });
  });
}
