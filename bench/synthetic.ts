/** Projects of any size: scriptlets over the bare base, whose do_run makes files. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export type Shape = {
  readonly scriptlets: number;
  /** All that the scriptlets make, folders too. */
  readonly paths: number;
  /** Bytes of each file; without it a line. */
  readonly fileSize?: number;
};

/** Paths of the base that are not in the image, as in real confs. */
const EXCLUDES = [
  'usr/share/doc/*',
  'usr/share/man/*',
  'usr/share/locale/*',
  'usr/share/info/*',
  'usr/share/zoneinfo/*',
];

/** Scriptlets that need "middle" itself. */
const DEPENDENTS = 3;
const FILES_IN_A_FOLDER = 20;
const FEW = 50;

/** The fewest scriptlets that a project has: one of each kind. */
export const LEAST_SCRIPTLETS = DEPENDENTS + 4;

/**
 * Writes `conf/NAME.toml` and the scriptlets, in this order: half of those that make the bulk of the files; "middle"; those that need
 * it; the other half; "leaf", with a data file; "last", which needs all. Every tenth of the bulk is needed by the nine that follow.
 */
export function writeProject(
  project: string,
  conf: string,
  target: string,
  { scriptlets, paths, fileSize = 0 }: Shape,
): void {
  const folder = join(project, 'scriptlets');
  mkdirSync(join(folder, 'leaf'), { recursive: true });
  const bulk = Array.from({ length: scriptlets - DEPENDENTS - 3 }, (_, at) => `bulk-${at}`);
  const dependents = Array.from({ length: DEPENDENTS }, (_, at) => `above-middle-${at}`);
  const half = Math.ceil(bulk.length / 2);
  const names = [...bulk.slice(0, half), 'middle', ...dependents, ...bulk.slice(half), 'leaf', 'last'];
  const list = names.map((name) => `  "${name}",\n`).join('');
  mkdirSync(join(project, 'conf'), { recursive: true });
  writeFileSync(join(project, 'conf', `${conf}.toml`), `${target}scriptlets = [\n${list}]\n`);
  const put = (name: string, text: string): void => writeFileSync(join(folder, `${name}.sh`), text);
  bulk.forEach((name, at) => {
    put(
      name,
      bulkScriptlet(
        name,
        at % 10 === 0 ? undefined : `bulk-${at - (at % 10)}`,
        share(paths, bulk.length, at),
        fileSize,
      ),
    );
  });
  changeMiddle(project, 0);
  for (const name of dependents) put(name, `need middle\n\ndo_run() {\n  cp /etc/middle /etc/${name}\n}\n`);
  put('leaf', 'do_run() {\n  copy_file file etc/leaf\n}\n');
  changeLeaf(project, 0);
  const globs = EXCLUDES.map((glob) => `'${glob}'`).join(' ');
  put('last', `need '*'\nexclude_path ${globs}\n\ndo_run() {\n  cat /etc/leaf /etc/middle >/etc/last\n}\n`);
}

export function changeLeaf(project: string, change: number): void {
  writeFileSync(join(project, 'scriptlets/leaf/file'), `leaf ${change}\n`);
}

export function changeMiddle(project: string, change: number): void {
  writeFileSync(
    join(project, 'scriptlets/middle.sh'),
    `do_run() {\n  echo 'middle ${change}' >/etc/middle\n}\n`,
  );
}

function share(paths: number, parts: number, at: number): number {
  return Math.floor(((at + 1) * paths) / parts) - Math.floor((at * paths) / parts);
}

/** Folders up to five deep, in tens, with files of a line each; all in one folder where they are few. */
function bulkScriptlet(name: string, need: string | undefined, paths: number, fileSize: number): string {
  const files = filesOf(paths);
  const perFolder = paths <= FEW ? FEW : FILES_IN_A_FOLDER;
  const [tops, middles, folder] = [perFolder * 100, perFolder * 10, perFolder].map((per) => `$((at / ${per}`);
  const place = paths <= FEW ? '' : `/${tops}))/${middles} % 10))/${folder} % 10))`;
  return `${need === undefined ? '' : `need ${need}\n\n`}do_run() {
  local at folder
  for ((at = 0; at < ${files}; at++)); do
    if ((at % ${perFolder} == 0)); then
      folder=usr/share/${name}${place}
      mkdir -p "$folder"
    fi
    printf '%-${fileSize}s\\n' "${name} $at" >"$folder/file-$at"
  done
}
`;
}

/** The files that, with their folders, make so many paths. */
function filesOf(paths: number): number {
  if (paths <= FEW) return Math.max(0, paths - 1);
  const folders = (files: number): number =>
    [1, 10, 100].reduce((sum, fan) => sum + Math.ceil(files / FILES_IN_A_FOLDER / fan), 1);
  let files = Math.floor(paths / 1.0556);
  while (files + folders(files) > paths) files--;
  return files;
}
