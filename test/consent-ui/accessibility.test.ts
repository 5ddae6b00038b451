import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import chromium from '@sparticuz/chromium';
import type { AxeResults } from 'axe-core';
import { type Browser, type Page, chromium as playwright } from 'playwright-core';
import type { VNode } from 'preact';
import { stylesheet } from '../../consent-ui/assets.js';
import { renderPage } from '../../consent-ui/render-page.js';
import { samplePages } from './sample-pages.js';

const origin = 'http://pages.test';
const longName = 'Wholesale'.repeat(12);
const pages = new Map<string, VNode>([
  ...Object.entries(samplePages()),
  ...Object.entries(samplePages(() => longName)).map(
    ([name, page]) => [`${name}-long`, page] as const,
  ),
]);
let browser: Browser;
let axe: string;

beforeAll(async () => {
  axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  browser = await playwright.launch({
    executablePath: await chromium.executablePath(),
    // In a single process, closing a context ends the whole browser.
    args: chromium.args.filter((flag) => flag !== '--single-process'),
  });
});

afterAll(() => browser.close());

/** A page of a browser that gets every document and the stylesheet from memory. */
async function openPage(colorScheme: 'light' | 'dark', width: number): Promise<Page> {
  const page = await browser.newPage({ colorScheme, viewport: { width, height: 844 } });
  await page.route('**/*', async (route) => {
    const { pathname } = new URL(route.request().url());
    const document = pages.get(pathname.slice(1));
    if (document !== undefined) {
      await route.fulfill({ contentType: 'text/html', body: renderPage(document) });
    } else if (pathname === stylesheet.path) {
      await route.fulfill({ contentType: stylesheet.contentType, body: stylesheet.body });
    } else {
      await route.abort();
    }
  });
  return page;
}

describe.each([
  ['light', 390],
  ['dark', 1280],
] as const)('in the %s scheme at %d pixels', (scheme, width) => {
  let page: Page;
  beforeAll(async () => {
    page = await openPage(scheme, width);
  });
  afterAll(() => page.close());

  it.each(Object.keys(samplePages()))('%s has no accessibility violation', async (name) => {
    await page.goto(`${origin}/${name}`);
    await page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })");
    await page.evaluate(axe);
    const { violations } = await page.evaluate<AxeResults>('axe.run()');
    expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
  });

  it('no page scrolls sideways, and every target is at least 44 pixels high', async () => {
    for (const name of pages.keys()) {
      await page.goto(`${origin}/${name}`);
      expect([name, await page.evaluate(overflow), await page.evaluate(smallTargets)]).toEqual([
        name,
        0,
        [],
      ]);
    }
  });
});

const overflow = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
const smallTargets = `
  [...document.querySelectorAll('button, .button, summary, .choice, .field input')]
    .filter((element) => element.getBoundingClientRect().height < 44)
    .map((element) => element.outerHTML)`;
