import { SnapError } from '../host/error.ts';
import { type Tagged, tag, tags, untag } from '../keep.ts';
import { table } from '../report/table.ts';
import { chooseProject } from './choose.ts';
import { keepRequest } from './keep-request.ts';
import { print, printJson, reporting } from './print.ts';
import type { Command } from './session.ts';

export type TagOptions = {
  readonly list?: boolean;
  readonly delete?: string;
  readonly force?: boolean;
  readonly json?: boolean;
};

/** `snap tag BUILD NAME`, `snap tag [--list]`, `snap tag --delete NAME` */
export const tagCommand: Command<[build?: string, name?: string], TagOptions> = (session, words, options) =>
  reporting(options.json === true, async () => {
    const project = chooseProject(session);
    const [build, name] = words;
    if (build !== undefined && (options.list || options.delete !== undefined))
      throw new SnapError('USAGE', 'With "--list" and "--delete" no build may be named', {
        hint: 'snap tag --help',
      });
    if (options.delete !== undefined) {
      return tell(await untag(keepRequest(session, project), options.delete), removedWords, options);
    }
    if (build === undefined) return list(tags(project), options);
    if (name === undefined)
      throw new SnapError('USAGE', `No tag is named for "${build}"`, { hint: `snap tag ${build} NAME` });
    return tell(await tag(keepRequest(session, project), build, name, options), taggedWords, options);
  });

function list(all: readonly Tagged[], { json }: TagOptions): number {
  if (json) printJson(all);
  else
    for (const line of table(
      [{ title: 'tag' }, { title: 'build' }],
      all.map((one) => [one.tag, one.build]),
    ))
      print(line);
  return 0;
}

function tell(tagged: Tagged, words: (tagged: Tagged) => string, { json }: TagOptions): number {
  if (json) printJson(tagged);
  else print(words(tagged));
  return 0;
}

function taggedWords({ tag: name, build, before }: Tagged): string {
  return `${name} is ${build}${before === undefined ? '' : `, no longer ${before}`}`;
}

function removedWords({ tag: name, build }: Tagged): string {
  return `${name} is no longer ${build}`;
}
