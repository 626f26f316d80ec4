import { basename } from 'node:path';
import type { Outcome, Repaired } from '../repair.ts';
import { printablePath } from '../report/printable.ts';
import { count, counted } from '../report/quantity.ts';
import { openScreen } from '../report/terminal.ts';
import { buildText } from '../store/builds.ts';
import { remakeIndex } from '../store/index-file.ts';
import { layoutOf, prepareLayout } from '../store/layout.ts';
import { type Damage, type Slot, type Verified, verify } from '../verify.ts';
import { chooseProject } from './choose.ts';
import { indented, print, printJson, reporting, say } from './print.ts';
import type { Command } from './session.ts';

export type VerifyOptions = {
  readonly deep?: boolean;
  readonly repair?: boolean;
  readonly rebuildIndex?: boolean;
  readonly json?: boolean;
};

/** `snap verify`: exit code 0 when all is whole, 1 when damage was found, mended or not. */
export const verifyCommand: Command<[], VerifyOptions> = (session, _args, options) =>
  reporting(options.json === true, async () => {
    const { deep = false, json = false } = options;
    const project = chooseProject(session);
    if (options.rebuildIndex) rebuildIndex(project);
    const onWait = (what: string): void => say(`snap: ${what}`);
    const request = { project, deep, signal: session.signal, onWait };
    const result = options.repair ? await repaired(request) : await verify(request);
    if (json) printJson(reportValue(result));
    else tell(result, deep);
    return result.damages.length === 0 ? 0 : 1;
  });

async function repaired(request: Parameters<typeof verify>[0]): Promise<Repaired> {
  const { repair } = await import('../repair.ts');
  return repair({ ...request, show: ({ conf }) => openScreen(conf, process.stderr, process.env) });
}

function rebuildIndex(project: string): void {
  const layout = layoutOf(project);
  prepareLayout(layout);
  const { layers, builds, leftOut } = remakeIndex(layout);
  say(`snap: the index was made anew from ${counted(layers, 'layer')} and ${counted(builds, 'build')}`);
  for (const { n, why } of leftOut) say(`snap: layer ${n} was left out: ${printablePath(why)}`);
}

function tell(result: Verified | Repaired, deep: boolean): void {
  result.damages.forEach((damage, at) => {
    for (const line of linesOf(damage)) print(line);
    const outcome = 'outcomes' in result ? result.outcomes[at] : undefined;
    if (outcome) print(indented(wordsOfOutcome(outcome)));
  });
  for (const damage of 'left' in result ? result.left : []) {
    for (const line of linesOf(damage)) print(line);
    print(indented('found only after the repair: run it once more'));
  }
  for (const { conf, why } of result.skipped) say(`snap: what "${conf}" pins is not known: ${why}`);
  for (const { name, why } of result.uncompared) say(`snap: source ${name} was not compared: ${why}`);
  say(summary(result, deep));
}

function summary(result: Verified | Repaired, deep: boolean): string {
  const { layers, paths, images, damages } = result;
  const looked = `${counted(layers, 'layer')} with ${counted(paths, 'path')} and ${counted(images, 'image')} looked at`;
  const how = deep ? 'every file read' : 'contents not read (--deep does)';
  if (damages.length === 0) return `whole: ${looked}, ${how}`;
  const found = counted(damages.length, 'damage');
  if (!('outcomes' in result))
    return `${found}: ${looked}, ${how}; mend: snap verify ${deep ? '--deep ' : ''}--repair`;
  const open = result.outcomes.filter(({ kind }) => kind === 'open').length + result.left.length;
  const mended = `${count(damages.length - (open - result.left.length))} mended`;
  return `${found}, ${mended}${open > 0 ? `, ${count(open)} still there` : ''}: ${looked}, ${how}`;
}

function wordsOfOutcome(outcome: Outcome): string {
  return outcome.kind === 'mended' ? `mended: ${outcome.how}` : `not mended: ${outcome.why}; ${outcome.next}`;
}

/** What is wrong in one line, and in further ones what it reaches. */
function linesOf(damage: Damage): string[] {
  const own = `${subjectOf(damage)} ${damage.what}`;
  if (damage.kind === 'layer')
    return [own, ...damage.images.map((slot) => indented(`${wordsOfSlot(slot)} is made from it`))];
  if (damage.kind !== 'path') return [own];
  const layers = damage.sharing.map(({ n, name }) => `${n} (${name})`);
  const { images, elsewhere } = damage;
  return [
    own,
    ...(layers.length > 0 ? [indented(`the same file in layers ${layers.join(', ')}`)] : []),
    ...images.map((slot) => indented(`the same file in ${wordsOfSlot(slot)}`)),
    ...(elsewhere > 0 ? [indented(`and under ${counted(elsewhere, 'name')} that snap does not know`)] : []),
  ];
}

function subjectOf(damage: Damage): string {
  switch (damage.kind) {
    case 'layer':
      return `layer ${damage.n} (${damage.name}):`;
    case 'path':
      return `layer ${damage.n} (${damage.name}): "${printablePath(`/${damage.path}`)}"`;
    case 'index':
      return 'the index:';
    case 'build':
      return `build ${buildText(damage.build)}:`;
    case 'source':
      return `source ${damage.name}`;
    case 'kernel':
      return subjectOfKernel(damage);
    case 'tool':
      return `tool ${damage.name}`;
    case 'deb':
      return damage.pin ? `deb of ${damage.pin.name} ${damage.pin.version}` : `deb ${damage.sha256}`;
    case 'image':
      return damage.path === undefined
        ? `${wordsOfSlot(damage.image)}:`
        : `${wordsOfSlot(damage.image)}: "${printablePath(`/${damage.path}`)}"`;
    default:
      return damage satisfies never;
  }
}

/** `source linux-source-6.1 6.1.170-3: "/init/main.c"`, `tree of the kernel of "kernel"` */
function subjectOfKernel({ folder, name, path }: Damage & { readonly kind: 'kernel' }): string {
  const isSource = folder.startsWith('source-');
  const whole =
    name === folder ? `kernel/${folder}` : isSource ? `source ${name}` : `tree of kernel "${name}"`;
  return path === undefined ? `${whole}:` : `${whole}: "${printablePath(`/${path}`)}"`;
}

/** `image demo (.demo.a, build demo@3)` */
function wordsOfSlot({ conf, slot, isShown, builds }: Slot): string {
  const names = builds.map(buildText).join(', ');
  const which = isShown ? '' : 'not shown, ';
  return `image ${conf} (${which}${basename(slot)}${names === '' ? '' : `, ${names}`})`;
}

function reportValue(result: Verified | Repaired): object {
  const outcomes = 'outcomes' in result ? result.outcomes : undefined;
  const left = 'left' in result ? { left: result.left.map((damage) => damageValue(damage)) } : {};
  const damages = result.damages.map((damage, at) => ({
    ...damageValue(damage),
    ...(outcomes ? { outcome: outcomes[at] } : {}),
  }));
  const { layers, paths, images, skipped, uncompared } = result;
  return { whole: damages.length === 0, layers, paths, images, damages, ...left, skipped, uncompared };
}

function damageValue(damage: Damage): object {
  const slotValue = ({ conf, slot, isShown, builds }: Slot): object => ({
    conf,
    slot: basename(slot),
    shown: isShown,
    builds: builds.map(buildText),
  });
  switch (damage.kind) {
    case 'path': {
      const { kind, n, name, path, what, sharing, images, elsewhere } = damage;
      const layers = sharing.map((row) => ({ n: row.n, name: row.name }));
      return {
        kind,
        layer: n,
        name,
        path: printablePath(path),
        what,
        sharing: layers,
        images: images.map(slotValue),
        elsewhere,
      };
    }
    case 'image': {
      const { kind, image, path, what } = damage;
      return { kind, image: slotValue(image), path: path === undefined ? null : printablePath(path), what };
    }
    case 'layer':
      return {
        kind: damage.kind,
        layer: damage.n,
        name: damage.name,
        what: damage.what,
        images: damage.images.map(slotValue),
      };
    case 'build':
      return { kind: damage.kind, build: buildText(damage.build), what: damage.what };
    case 'index':
      return { kind: damage.kind, what: damage.what };
    case 'kernel': {
      const { kind, folder, name, path, what } = damage;
      return { kind, folder, name, path: path === undefined ? null : printablePath(path), what };
    }
    case 'deb':
      return { kind: damage.kind, sha256: damage.sha256, name: damage.pin?.name ?? null, what: damage.what };
    case 'source':
    case 'tool':
      return { kind: damage.kind, name: damage.name, what: damage.what };
    default:
      return damage satisfies never;
  }
}
