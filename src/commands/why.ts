import { SnapError } from '../host/error.ts';
import { changedLines } from '../layers/changed-lines.ts';
import { type Difference, wordsOf } from '../layers/reason.ts';
import { duration, localTime } from '../report/quantity.ts';
import { table } from '../report/table.ts';
import { type Occurrence, type Why, why } from '../why.ts';
import { chooseConf, chooseProject, confNamed } from './choose.ts';
import { indented, print, printJson, reporting } from './print.ts';
import type { Command } from './session.ts';

export type WhyOptions = { readonly against?: string; readonly path?: string; readonly json?: boolean };

type Arguments = [layer: string | undefined, conf: string | undefined];

/** `snap why LAYER [CONF]`, `snap why --path PATH [CONF]` */
export const whyCommand: Command<Arguments, WhyOptions> = (session, [first, second], options) =>
  reporting(options.json === true, async () => {
    const project = chooseProject(session);
    const confOf = (given: string | undefined) =>
      given === undefined ? {} : { conf: chooseConf(project, given) };
    if (options.path !== undefined) {
      if (second !== undefined || options.against !== undefined)
        throw new SnapError('USAGE', 'With "--path" nothing but an image may be named', {
          hint: 'snap why --help',
        });
      const { tellOrigin } = await import('./blame.ts');
      return tellOrigin(project, first && confNamed(first), options.path, options.json === true);
    }
    if (first === undefined)
      throw new SnapError('USAGE', 'Neither a layer nor a path is named', {
        hint: 'snap why LAYER, or snap why --path PATH',
      });
    const { against } = options;
    const request = {
      project,
      layer: first,
      ...confOf(second),
      ...(against === undefined ? {} : { against }),
    };
    return tell(why(request), options.json === true);
  });

type Told = Difference & { readonly words: string; readonly lines: readonly string[] };

async function tell(result: Why, json: boolean): Promise<number> {
  const told = await Promise.all(
    result.differences.map(
      async (one): Promise<Told> => ({ ...one, words: wordsOf(one), lines: await changedLines(one) }),
    ),
  );
  if (json) printJson({ ...result, before: result.before ?? null, differences: told });
  else for (const line of lines(result, told)) print(line);
  return 0;
}

const LAYOUT = [
  { title: '' },
  { title: 'build', align: 'right' },
  { title: 'when' },
  { title: 'layer', align: 'right' },
  { title: 'key' },
  { title: 'took', align: 'right' },
] as const;

function lines({ conf, name, now, before }: Why, told: readonly Told[]): string[] {
  const rows = [row('now', now), ...(before ? [row('before', before)] : [])];
  const reasons = told.flatMap((one) => [one.words, ...[...pathsOf(one), ...one.lines].map(indented)]);
  return [
    `${name} of ${conf}`,
    ...table(LAYOUT, rows),
    '',
    ...(reasons.length > 0 ? reasons : [same(before)]),
  ];
}

function row(title: string, { build, built, layer, key, seconds }: Occurrence): string[] {
  return [title, String(build), localTime(built), String(layer), key.slice(0, 12), duration(seconds)];
}

function same(before: Occurrence | undefined): string {
  return before ? 'nothing differs' : 'first build: no other key in any build';
}

/** One path stands in the words already. */
function pathsOf(one: Difference): readonly string[] {
  if ((one.kind !== 'need' && one.kind !== 'seen') || one.count < 2) return [];
  const more = one.count - one.paths.length;
  return more > 0 ? [...one.paths, `and ${more} more`] : one.paths;
}
