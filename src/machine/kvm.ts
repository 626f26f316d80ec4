import { accessSync, constants } from 'node:fs';
import { SnapError } from '../host/error.ts';
import { isNative } from './machine.ts';
import { type StartRequest, startMachine } from './start.ts';

/** Seconds in which a kernel has to have said something. */
const PATIENCE = 5;

/**
 * What keeps a machine from KVM, in words; undefined where it works. There are hosts on which KVM opens, runs the BIOS and nothing after
 * it, so the machine is started for as long as its kernel takes to tell its version.
 */
export async function kvmObstacle(arch: string, request: StartRequest): Promise<string | undefined> {
  if (!isNative(arch, process.arch)) return 'its kernel is for another one';
  try {
    accessSync('/dev/kvm', constants.R_OK | constants.W_OK);
  } catch {
    return 'there is no /dev/kvm';
  }
  try {
    const { ending } = await startMachine({
      ...request,
      hardware: { ...request.hardware, network: { kind: 'none', forwards: [] }, kvm: true },
      steps: [{ kind: 'expect', regex: /Linux version/ }],
      timeout: PATIENCE,
      write: () => {},
    });
    return ending.kind === 'seen' ? undefined : 'KVM starts no kernel here';
  } catch (error) {
    if (error instanceof SnapError && error.code === 'HOST') return 'KVM does not work here';
    throw error;
  }
}
