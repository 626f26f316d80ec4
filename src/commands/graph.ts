import { extname, resolve } from 'node:path';
import { drawn, type GraphFormat, graph } from '../graph.ts';
import { giveToCaller } from '../host/caller.ts';
import { SnapError } from '../host/error.ts';
import { writeFile } from '../host/write.ts';
import { reporting, say } from './print.ts';
import { type BuildOptions, buildRequest } from './request.ts';
import type { Command } from './session.ts';

export type GraphOptions = { readonly format?: GraphFormat; readonly output?: string };

/** `snap graph [CONF]` */
export const graphCommand: Command<[conf?: string], GraphOptions> = (session, [name], options) => {
  const { output, format = formatOf(output) } = options;
  return reporting(format === 'json' && output === undefined, async () => {
    const request = buildRequest(session, name, {} satisfies BuildOptions);
    const text = await drawn(await graph(request), format);
    if (output === undefined) process.stdout.write(text);
    else writeOut(resolve(output), text);
    return 0;
  });
};

function writeOut(file: string, text: string): void {
  try {
    writeFile(file, text);
  } catch (error) {
    throw new SnapError('USAGE', `Cannot write "${file}": ${(error as Error).message}`, { cause: error });
  }
  giveToCaller(file);
  say(file);
}

function formatOf(file = ''): GraphFormat {
  const ending = extname(file);
  return ending === '.dot' || ending === '.gv' ? 'dot' : ending === '.json' ? 'json' : 'svg';
}
