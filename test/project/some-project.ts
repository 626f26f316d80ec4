import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after } from 'node:test';
import { SnapError } from '../../src/host/error.ts';
import type { EvaluationCache } from '../../src/project/evaluation-cache.ts';

const folders: string[] = [];
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A new folder with these files, under a name that tempts careless code; it goes when the test file ends. */
export function someProject(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'snap project, \\:'));
  folders.push(folder);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

/** A conf "a" with these scriptlets, and further files. */
export function projectOf(
  scriptlets: Readonly<Record<string, string>>,
  { vars = '', files = {} }: { vars?: string; files?: Readonly<Record<string, string>> } = {},
): string {
  const list = JSON.stringify(Object.keys(scriptlets));
  return someProject({
    'conf/a.toml': `suite = "bookworm"\narch = "amd64"\nscriptlets = ${list}\n[vars]\n${vars}`,
    ...Object.fromEntries(Object.entries(scriptlets).map(([name, text]) => [`scriptlets/${name}.sh`, text])),
    ...files,
  });
}

/** The error as one text: code, sentence, hint. */
export function told(error: unknown): string {
  if (!(error instanceof SnapError)) throw error;
  return `${error.code} ${error.message} | ${error.hint}`;
}

/** A cache that counts what is set. */
export function memoryCache(): EvaluationCache & { readonly sets: () => number } {
  const texts = new Map<string, string>();
  let sets = 0;
  return {
    get: (key) => texts.get(key),
    set: (key, value) => {
      sets++;
      texts.set(key, value);
    },
    keyOf: (text) => text,
    sets: () => sets,
  };
}
