import type { KeepRequest } from '../keep.ts';
import { say } from './print.ts';
import type { Session } from './session.ts';

/** What a command asks for that keeps builds. */
export function keepRequest({ signal }: Session, project: string): KeepRequest {
  return { project, signal, onWait: () => say('waiting for "snap gc" to end') };
}
