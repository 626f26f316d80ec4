import { SnapError } from '../host/error.ts';
import { contentAt, type Sight, see } from '../look.ts';
import { lookInto } from '../named-build.ts';
import { message } from '../report/message.ts';
import { buildText } from '../store/builds.ts';
import { chooseProject } from './choose.ts';
import { imageAndPaths } from './ls.ts';
import { say } from './print.ts';
import type { Command } from './session.ts';

/** `snap cat [IMAGE] PATH...`: 1 where a file could not be printed, as cat has it; the others are. */
export const catCommand: Command<[words: readonly string[]], object> = async (session, [words]) => {
  const { image, paths } = imageAndPaths(words);
  if (paths.length === 0)
    throw new SnapError('USAGE', 'No path is named', {
      hint: 'a path has a slash in it: snap cat /etc/passwd',
    });
  const { signal } = session;
  const hold = { signal, onWait: () => say('waiting for "snap gc" to end') };
  return lookInto(
    chooseProject(session),
    async (store) => {
      const sight = see(store, image);
      let failed = false;
      for (const path of paths) {
        try {
          await printContent(sight, path, signal);
        } catch (error) {
          if (!(error instanceof SnapError) || signal.aborted) throw error;
          for (const line of message(error)) say(line);
          failed = true;
        }
      }
      return failed ? 1 : 0;
    },
    hold,
  );
};

async function printContent(sight: Sight, path: string, signal: AbortSignal): Promise<void> {
  for (const bytes of contentAt(sight, path)) {
    signal.throwIfAborted();
    if (process.stdout.isTTY && wouldObey(bytes)) throw forNoTerminal(sight, path);
    if (!(await written(bytes))) return;
  }
}

/** Whether a terminal would do more with it than to show it. */
function wouldObey(bytes: Buffer): boolean {
  return /[\x00-\x08\x0b\x0e-\x1f\x7f]|\xc2[\x80-\x9f]/.test(bytes.toString('latin1'));
}

function forNoTerminal({ build }: Sight, path: string): SnapError {
  return new SnapError(
    'USAGE',
    `Cannot print "${path}" of ${buildText(build)} to a terminal: it is no text`,
    {
      hint: `snap cat ${buildText(build)} ${path} > FILE`,
    },
  );
}

/** False: nobody reads any more. */
function written(bytes: Buffer): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  process.stdout.write(bytes, (error) => resolve(!error));
  return promise;
}
