import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ownFile } from '../host/own.ts';
import { removeTree } from '../store/tree.ts';
import { BUILD, INPUT, LINUX, OUT } from './builder.ts';
import { type KernelJob, keyOfStage, makeWords, requireSuccess, runStage } from './job.ts';
import { replaceFolder } from './tree.ts';

const SCRIPT = ownFile('src/kernel/headers.sh');
const TREE = `${INPUT}/tree`;

/**
 * Makes what external modules are compiled against, in the tree's `headers`: of the source, of the kernel that was compiled of it, and
 * of what is generated, made anew. Where they are not asked for, they go.
 * @throws SnapError RUN for what the kernel does not do as asked.
 */
export async function makeHeaders(job: KernelJob): Promise<void> {
  const { tree, work, workshop, name } = job;
  const place = join(tree.folder, 'headers');
  const key = job.headers ? keyOfStage([2, tree.note.built ?? '']) : undefined;
  if (tree.note.headers === key) return;
  tree.keep({ headers: undefined });
  if (key === undefined) {
    removeTree(Buffer.from(place));
    return;
  }
  workshop.report({ kind: 'layer-step', name, step: 'headers' });
  const [build, out] = [join(work, 'headers-build'), join(work, 'out-headers')];
  for (const folder of [build, out]) mkdirSync(folder, { mode: 0o755 });
  const outcome = await runStage(job, {
    build,
    script: [
      `SOURCE=${LINUX} TREE=${TREE} BUILD=${BUILD} DEST=${OUT} KMAKE='${makeWords(job)}'`,
      readFileSync(SCRIPT, 'utf8'),
    ].join('\n'),
    binds: [
      { from: join(tree.folder, 'build'), to: TREE },
      { from: out, to: OUT, writable: true },
    ],
  });
  requireSuccess(job, 'make the headers of the kernel', outcome);
  replaceFolder(out, place);
  tree.keep({ headers: key });
}
