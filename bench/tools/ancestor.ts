/** The method that snap replaces, `bench/ancestor`, with the times that it prints itself: no warm-up is in them. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readParts } from '../example.ts';
import { run } from '../measure.ts';
import type { Place, Tool } from './tool.ts';

export async function ancestor({ own, example, folder, repository }: Place): Promise<Tool> {
  const { conf } = await readParts(example);
  const cache = join(folder, 'cache', `${conf.suite}-${conf.arch}`);
  mkdirSync(cache, { recursive: true });
  writeFileSync(join(cache, 'sources.list'), `deb [trusted=yes] copy://${repository} ${conf.suite} main\n`);
  return {
    name: 'ancestor',
    version: 'bench/ancestor',
    forget: () => rmSync(join(cache, 'base'), { recursive: true, force: true }),
    async build() {
      const { stdout } = run({
        argv: [join(own, 'bench/ancestor'), '-C', example.project, example.conf, folder],
      });
      const sum = /^([0-9.]+) s, /m.exec(stdout)?.[1];
      if (sum === undefined) throw new Error(`bench/ancestor printed no sum:\n${stdout}`);
      const base = /^ *([0-9.]+) +making of the base/m.exec(stdout)?.[1];
      return base === undefined
        ? { seconds: Number(sum) }
        : { seconds: Number(sum) + Number(base), base: Number(base) };
    },
  };
}
