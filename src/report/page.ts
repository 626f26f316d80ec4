import { createHash } from 'node:crypto';
import { printable } from './printable.ts';

/** What a page shows; all texts may be hostile. */
export type Page = {
  readonly title: string;
  /** Under the title, a line. */
  readonly subtitle: string;
  /** The figures on top. */
  readonly facts: readonly Fact[];
  readonly tables: readonly PageTable[];
  /** What the areas of the treemap and the list of files are made from. */
  readonly files: PageFiles;
};

export type Fact = { readonly label: string; readonly value: string; readonly tone?: Tone };
export type Tone = 'more' | 'less' | 'changed';

export type PageTable = {
  readonly title: string;
  readonly columns: readonly PageColumn[];
  readonly rows: readonly (readonly PageCell[])[];
};
/** `share`: a number of hundredths, drawn as a bar too. */
export type PageColumn = { readonly title: string; readonly kind: 'text' | 'number' | 'share' };
/** What is shown, and the number that it is sorted by. */
export type PageCell = string | { readonly text: string; readonly sort: number; readonly tone?: Tone };

export type PageFiles = {
  readonly title: string;
  /** What an area means. */
  readonly legend: string;
  readonly kind: 'sizes' | 'differences';
  readonly layers: readonly string[];
  readonly packages: readonly string[];
  /** Gone through once. */
  readonly rows: Iterable<PageFile>;
};

/** The same as it lies in the page. */
export type PageData = Omit<PageFiles, 'rows'> & { readonly rows: readonly PageFile[] };

/** A file: path without leading slash, bytes before and after, positions in `layers` and `packages` or -1, modifier, what differs. */
export type PageFile = readonly [
  path: string,
  before: number,
  after: number,
  layer: number,
  owner: number,
  modifier: string,
  detail: string,
];

/** What the page is put together with: the programs that run in it. */
export type PageParts = { readonly script: string; readonly style: string };

/**
 * One page of HTML, a piece at a time, that needs nothing else: no network (its own policy forbids all), no style or script but those two,
 * which the policy names by their digests. Names of files are data in it, never markup.
 */
export function* pageHtml(page: Page, { script, style }: PageParts): Generator<string> {
  const policy = [
    "default-src 'none'",
    `style-src '${sourceDigest(style)}'`,
    `script-src '${sourceDigest(script)}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  yield `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="snap">
<title>${escaped(page.title)}</title>
<style>${style}</style>
</head>
<body>
<header>
<h1>${escaped(page.title)}</h1>
<p>${escaped(page.subtitle)}</p>
<dl class="facts">
${page.facts.map(factHtml).join('\n')}
</dl>
</header>
<main>
<div class="search"><input id="search" type="search" placeholder="Search files, packages, layers" aria-label="Search files, packages, layers" autocomplete="off" spellcheck="false"></div>
<section id="map" hidden>
<div class="bar"><h2>Treemap</h2><nav id="trail" aria-label="Where the treemap stands"></nav><div id="grouping" role="group" aria-label="What the treemap is divided by"></div></div>
<div id="treemap"></div>
<p id="legend">${escaped(page.files.legend)}</p>
</section>
${page.tables.map(tableHtml).join('\n')}
<section id="files"><h2>${escaped(page.files.title)}</h2>
<noscript><p>The list of files and the treemap need JavaScript, which this page brings along.</p></noscript>
<div id="list"></div></section>
</main>
<div id="tip" hidden></div>
<script type="application/json" id="data">`;
  yield* embedded(page.files);
  yield `</script>
<script>${script}</script>
</body>
</html>
`;
}

function factHtml({ label, value, tone }: Fact): string {
  return `<div${classOf(tone)}><dt>${escaped(label)}</dt><dd>${escaped(value)}</dd></div>`;
}

/** Rows of a table that is open at first. */
const MOST_OPEN = 1000;

function tableHtml({ title, columns, rows }: PageTable): string {
  if (rows.length === 0) return '';
  const open = rows.length <= MOST_OPEN ? ' open' : '';
  const head = columns.map(({ title, kind }) => `<th${kindClass(kind)}>${escaped(title)}</th>`).join('');
  const body = rows.map((row) => `<tr>${row.map((cell, at) => cellHtml(cell, columns[at]!)).join('')}</tr>`);
  return `<details class="table"${open}><summary><h2>${escaped(title)}</h2><span class="count">${rows.length}</span></summary>
<div class="scroll"><table><thead><tr>${head}</tr></thead><tbody>
${body.join('\n')}
</tbody></table></div></details>`;
}

function cellHtml(cell: PageCell, { kind }: PageColumn): string {
  const { text, sort, tone } =
    typeof cell === 'string' ? { text: cell, sort: undefined, tone: undefined } : cell;
  const key = sort === undefined ? '' : ` data-sort="${sort}"`;
  const content =
    kind === 'share'
      ? `<meter min="0" max="100" value="${(sort ?? 0).toFixed(2)}"></meter><span class="percent">${escaped(text)}</span>`
      : escaped(text);
  return `<td${kindClass(kind, tone)}${key}>${content}</td>`;
}

function kindClass(kind: PageColumn['kind'], tone?: Tone): string {
  return classOf([kind === 'text' ? '' : 'number', tone ?? ''].filter((name) => name !== '').join(' '));
}

function classOf(name: string | undefined): string {
  return name ? ` class="${name}"` : '';
}

function escaped(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
  };
  return printable(text).replace(/[&<>"]/g, (character) => entities[character]!);
}

/** JSON within a script element: without `<` nothing in it ends the element or begins a comment. */
function* embedded({ rows, ...rest }: PageFiles): Generator<string> {
  yield `${harmless(JSON.stringify(rest)).slice(0, -1)},"rows":[`;
  let isFirst = true;
  for (const row of rows) {
    yield `${isFirst ? '' : ','}${harmless(JSON.stringify(row))}`;
    isFirst = false;
  }
  yield ']}';
}

function harmless(json: string): string {
  return json.replace(/[<>&\u2028\u2029]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

/** Of a script or style between its tags, as a policy names it. */
function sourceDigest(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
