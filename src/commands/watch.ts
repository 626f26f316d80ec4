import { message, messageValue } from '../report/message.ts';
import { printable } from '../report/printable.ts';
import { count, counted } from '../report/quantity.ts';
import type { BuildRequest } from '../request.ts';
import { type WatchEvent, watch } from '../watch.ts';
import { type Shown, showBuild } from './built.ts';
import { printJsonLine, say } from './print.ts';
import { tellBuild } from './tell-build.ts';

/** `snap build --watch`: a line of output for each build that ended, as JSON also for those that failed. Ends with the signal. */
export async function watchBuilds(request: BuildRequest, json: boolean): Promise<number> {
  let shown: Shown | undefined;
  const close = (): Shown | undefined => {
    const last = shown;
    shown?.close();
    shown = undefined;
    return last;
  };
  const tell = (event: WatchEvent): void => {
    switch (event.kind) {
      case 'begin':
        close();
        shown = showBuild(request);
        return;
      case 'progress':
        if (shown) shown.report(event.event);
        else if (event.event.kind === 'note') say(printable(event.event.text));
        return;
      case 'changed': {
        const text = `${request.conf}: ${listed(event.paths)} changed`;
        // Lines that change in place may be on the screen.
        if (shown) shown.report({ kind: 'note', text });
        else say(printable(text));
        return;
      }
      case 'built': {
        const learned = close()?.learned ?? { orders: 0, ids: 0 };
        tellBuild(request.conf, event.result, learned, json ? printJsonLine : undefined);
        return;
      }
      case 'failed': {
        const layers = close()?.ended ?? [];
        for (const line of message(event.error)) say(line);
        if (json) printJsonLine({ image: null, layers, error: messageValue(event.error) });
        return;
      }
      case 'watching':
        close();
        say(`watching ${counted(event.files, 'file')}, Ctrl-C ends`);
        return;
      default:
        event satisfies never;
    }
  };
  try {
    await watch(request, tell);
  } finally {
    close();
  }
  return 0;
}

/** Paths that are named; the rest is counted. */
const NAMED = 3;

function listed(paths: readonly string[]): string {
  const named = paths.slice(0, NAMED).join(', ');
  return paths.length > NAMED ? `${named} and ${count(paths.length - NAMED)} more` : named;
}
