import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { writePage } from '../../src/page-file.ts';
import { type Page, type PageFile, pageHtml } from '../../src/report/page.ts';
import { makeDist } from '../commands/launcher.ts';
import { Browser, missingBrowser } from './browser.ts';

const HOSTILE = `</script><script>globalThis.caught = 1</script><img src=x onerror="globalThis.caught = 2">"'&<!--`;
const BIDI = 'a\u202egnp.exe\x1b[31m';

const folder = mkdtempSync(join(tmpdir(), 'snap page, #%'));
const skip = missingBrowser() ?? false;
let browser: Browser | undefined;
before(makeDist);
after(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

function page(rows: readonly PageFile[], more: Partial<Page> = {}): Page {
  return {
    title: `demo@1 → ${HOSTILE}`,
    subtitle: HOSTILE,
    facts: [{ label: HOSTILE, value: BIDI }],
    tables: [
      {
        title: 'Packages',
        columns: [
          { title: 'package', kind: 'text' },
          { title: 'size', kind: 'number' },
          { title: 'share', kind: 'share' },
        ],
        rows: [9, 100, 20].map((size) => [
          `package-${size} ${HOSTILE}`,
          { text: `${size} B`, sort: size },
          { text: '1 %', sort: 1 },
        ]),
      },
    ],
    files: {
      title: 'Files',
      legend: HOSTILE,
      kind: 'differences',
      layers: ['base', HOSTILE],
      packages: ['curl'],
      rows,
    },
    ...more,
  };
}

const ROWS: readonly PageFile[] = [
  ['usr/bin/curl', 0, 4000, 0, 0, '+', ''],
  ['usr/lib/a/deep/one', 3000, 0, 0, -1, '-', ''],
  [`usr/${HOSTILE.replaceAll('/', '_')}`, 500, 600, 1, -1, 'M', HOSTILE],
  ['etc/x', 10, 10, 1, -1, 'U', 'mode 644 -> 600'],
];

async function opened(content: Page, options: { width?: number; scheme?: string } = {}): Promise<Browser> {
  const file = join(folder, 'a page.html');
  writePage(file, content);
  browser ??= new Browser();
  await browser.open(file, options);
  return browser;
}

test('the policy of a page names its one script and its one style, and forbids all else', () => {
  const html = [...pageHtml(page(ROWS), { script: 'script()', style: 'b{}' })].join('');
  const digest = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
  const policy = /http-equiv="Content-Security-Policy" content="([^"]+)"/.exec(html)?.[1];
  assert.equal(
    policy,
    `default-src 'none'; style-src ${digest('b{}')}; script-src ${digest('script()')}; base-uri 'none'; form-action 'none'`,
  );
  assert.equal(html.match(/<script/g)?.length, 2, 'the data and the script');
  assert.doesNotMatch(html, /<img|<!--|https?:|<[^>]*\s(style|on\w+)=/i);
  assert.doesNotMatch(html, /[\u202e\x1b]/);
});

test('names of files are text in it, whatever they are', { skip }, async () => {
  const shown = await opened(page(ROWS));
  assert.equal(await shown.value('globalThis.caught ?? document.images.length'), 0);
  assert.ok(
    (await shown.value<string>("document.querySelector('#list').innerText")).includes(
      'onerror="globalThis.caught',
    ),
  );
  assert.ok((await shown.value<string>('document.title')).includes('</script>'));
  assert.deepEqual(shown.complaints(), []);
});

test('the treemap: areas by size, a click goes into a folder, the trail leads back, groups divide it anew', {
  skip,
}, async () => {
  const shown = await opened(page(ROWS));
  const labels = () =>
    shown.value<string[]>(
      "[...document.querySelectorAll('.cell.depth-1 .label')].map((one) => one.textContent)",
    );
  const area = (path: string) =>
    shown.value<number>(
      `(() => { const { width, height } = document.querySelector('.cell[aria-label^="${path},"]').getBoundingClientRect(); return width * height; })()`,
    );
  assert.deepEqual(await labels(), ['usr']);
  const ratio = (await area('usr/bin/curl')) / (await area('usr/lib/a/deep/one'));
  assert.ok(Math.abs(ratio - 4 / 3) < 0.1, String(ratio));
  await shown.click('.cell[aria-label^="usr,"]');
  assert.equal((await labels()).length, 3);
  assert.equal(await shown.value("document.querySelector('#trail .step:last-of-type').textContent"), 'usr');
  await shown.click('#trail .step');
  assert.deepEqual(await labels(), ['usr']);
  await shown.click('#grouping button[value="packages"]');
  assert.deepEqual(
    await labels(),
    ['curl', '(of no changed package)/usr'].map((name, at) =>
      at === 0 ? 'curl/usr/bin' : name.split('/')[0],
    ),
  );
  assert.deepEqual(shown.complaints(), []);
});

test('a search finds in the list and in the tables, and its end shows all again', { skip }, async () => {
  const shown = await opened(page(ROWS));
  const names = () =>
    shown.value<string[]>("[...document.querySelectorAll('.row.file .name')].map((one) => one.textContent)");
  assert.equal((await names()).length, 4, 'a short list is open');
  const settled = 'new Promise((then) => setTimeout(then, 400))';
  await shown.click('#search');
  await shown.type('CURL bin');
  await shown.value(settled);
  assert.deepEqual(await names(), ['usr/bin/curl']);
  assert.equal(await shown.value("document.querySelector('.count').textContent"), '0 of 3');
  await shown.value(
    `(() => { const box = document.querySelector('#search'); box.value = ''; box.dispatchEvent(new Event('input')); })()`,
  );
  await shown.value(settled);
  assert.equal((await names()).length, 4);
  assert.equal(await shown.value("document.querySelector('.count').textContent"), '3');
});

test('a click on a heading sorts by number, another one the other way', { skip }, async () => {
  const shown = await opened(page(ROWS));
  const sizes = () =>
    shown.value<string[]>(
      "[...document.querySelectorAll('tbody tr td:nth-child(2)')].map((one) => one.textContent)",
    );
  await shown.click('th:nth-child(2)');
  assert.deepEqual(await sizes(), ['100 B', '20 B', '9 B']);
  await shown.click('th:nth-child(2)');
  assert.deepEqual(await sizes(), ['9 B', '20 B', '100 B']);
});

test('light and dark are two pictures, and a narrow window has no more than its width', {
  skip,
}, async () => {
  const grounds: string[] = [];
  for (const scheme of ['light', 'dark']) {
    const shown = await opened(page(ROWS), { scheme, width: 400 });
    grounds.push(await shown.value('getComputedStyle(document.body).backgroundColor'));
    assert.ok(await shown.value('document.scrollingElement.scrollWidth <= innerWidth'), scheme);
  }
  assert.notEqual(grounds[0], grounds[1]);
});

test('50,000 paths: the page holds a few thousand elements, and finds each path', { skip }, async () => {
  const rows = Array.from({ length: 50_000 }, (_, at): PageFile => {
    const path = `usr/share/${at % 7}/${at % 100}/file-${at}`;
    return [path, 0, at, 0, -1, '+', ''];
  });
  const shown = await opened(page(rows));
  assert.ok((await shown.value<number>("document.querySelectorAll('*').length")) < 6000);
  await shown.click('#search');
  await shown.type('file-49999');
  await shown.value('new Promise((then) => setTimeout(then, 800))');
  assert.match(
    await shown.value("document.querySelector('#list').innerText"),
    /^1 of 50,000 paths[\s\S]*file-49999/,
  );
  assert.deepEqual(shown.complaints(), []);
});

test('nothing but metadata has no treemap, and nothing at all says so', { skip }, async () => {
  const shown = await opened(page([['etc', 0, 0, 0, -1, 'U', 'mode 755 -> 700']]));
  assert.equal(await shown.value("document.querySelector('#map').hidden"), true);
  await opened(page([]));
  assert.equal(await shown.value("document.querySelector('#list').textContent"), 'none');
});
