import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { type OpenBrowser, openBrowser } from './open-browser.js';
import { personAt } from './person.js';
import { type RunningSandbox, startSandbox } from './start-sandbox.js';

const widths = { phone: 390, desktop: 1280 };
const schemes = ['light', 'dark'] as const;

/** `ASSENT_SCREENSHOTS=docs/screenshots npm test -- every-page` keeps what the documentation shows. */
const screenshots = process.env.ASSENT_SCREENSHOTS;

let directory: string;
let sandbox: RunningSandbox;
let browser: OpenBrowser;
let axe: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'assent-pages-'));
  axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  sandbox = await startSandbox(directory);
  browser = await openBrowser();
  if (screenshots) await mkdir(screenshots, { recursive: true });
});

afterAll(async () => {
  await browser?.close();
  await sandbox?.stop();
  await rm(directory, { recursive: true, force: true });
});

/** Looks at a page as it stands: no violation, no sideways scrolling, on each width in each scheme. */
async function examine(page: Page, name: string): Promise<void> {
  for (const [device, width] of Object.entries(widths)) {
    for (const colorScheme of schemes) {
      await page.setViewportSize({ width, height: 844 });
      await page.emulateMedia({ colorScheme });
      if (screenshots) {
        const path = join(screenshots, `${name}-${device}-${colorScheme}.png`);
        await page.screenshot({ path, fullPage: !name.startsWith('tpp-step') });
      }
    }
    const overflow = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect({ name, device, overflow }).toEqual({ name, device, overflow: 0 });
  }
  for (const colorScheme of schemes) {
    await page.emulateMedia({ colorScheme });
    await page.evaluate(axe);
    const { violations } = await page.evaluate<AxeResults>('axe.run()');
    expect({ name, colorScheme, violations: violations.map(({ id }) => id) }).toEqual({
      name,
      colorScheme,
      violations: [],
    });
  }
}

async function start(page: Page, access: 'one-time' | 'ongoing', scope: string): Promise<void> {
  await page.goto(sandbox.urls.tpp);
  await page.locator('input[name="client"][value="identity-service"]').check();
  await page.locator(`input[name="access"][value="${access}"]`).check();
  await page.locator(`input[name="scope"][value="${scope}"]`).check();
  await page.getByRole('button', { name: 'Start' }).click();
}

const toAssent = (page: Page) =>
  page.getByRole('link', { name: 'Go to Assent as the person' }).first().click();

test('every page of one-time access can be read by everybody', async () => {
  const page = await (await browser.newPerson({ reducedMotion: 'reduce' })).newPage();
  const person = sandbox.person('Three accounts');
  const { allow, chooseBank, signIn, shareOnly } = personAt(page);

  await page.goto(sandbox.urls.tpp);
  await examine(page, 'tpp-home');
  await start(page, 'one-time', 'id:all');
  await examine(page, 'tpp-step-request');
  await toAssent(page);
  await examine(page, 'institution-chooser');
  await chooseBank(sandbox.institution(person.institution).name);
  await examine(page, 'consent-one-time');
  await allow();
  await page.getByLabel('Login').waitFor();
  await examine(page, 'bank-login');
  await signIn({ ...person, password: 'wrong' });
  await examine(page, 'bank-login-mismatch');
  await signIn(person);
  await page.getByRole('checkbox').first().waitFor();
  await examine(page, 'bank-accounts');
  await shareOnly('Everyday', 'Rainy day saver');
  await page.getByRole('button', { name: 'Exchange the code' }).first().click();
  await examine(page, 'tpp-step-tokens');
  await page.getByRole('link', { name: 'Read the accounts' }).first().click();
  await examine(page, 'tpp-accounts');
  await page.getByRole('link', { name: 'Everyday' }).click();
  await examine(page, 'tpp-transactions');
  await page.context().close();
}, 120_000);

test('every page on which a connection is renewed, too', async () => {
  const page = await (await browser.newPerson({ reducedMotion: 'reduce' })).newPage();
  const person = sandbox.person('Three accounts');
  const { allow, signIn, shareOnly } = personAt(page);

  await start(page, 'ongoing', `id:${person.institution}`);
  await toAssent(page);
  await allow();
  await signIn(person);
  await shareOnly('Everyday');
  await page.getByRole('button', { name: 'Exchange the code' }).first().click();
  await page.getByRole('link', { name: 'Read the accounts' }).first().click();
  await examine(page, 'tpp-accounts-ongoing');
  const accounts = page.url();
  await page.getByRole('button', { name: /reconsent/ }).click();
  await toAssent(page);
  await examine(page, 'consent-reconsent');
  await page.goto(accounts);
  await page.getByRole('button', { name: /reauth/ }).click();
  await toAssent(page);
  await examine(page, 'consent-reauth');
  await page.goto(accounts);
  await page.getByRole('link', { name: 'List the connections' }).click();
  await examine(page, 'tpp-connections');
  await page.goto(`${sandbox.urls.tpp}/time`);
  await examine(page, 'tpp-time');
  await page.goto(`${sandbox.urls.bank}/access`);
  await signIn(person);
  await page.getByRole('heading', { name: 'Apps that see your data' }).waitFor();
  await examine(page, 'bank-access');
  await page.context().close();
}, 120_000);

test('every page of ongoing access and of what can go wrong, too', async () => {
  const page = await (await browser.newPerson({ reducedMotion: 'reduce' })).newPage();
  const { allow, signIn } = personAt(page);

  await start(page, 'ongoing', `id:${sandbox.person('No account').institution}`);
  await toAssent(page);
  await examine(page, 'consent-ongoing');
  await allow();
  await signIn(sandbox.person('No account'));
  await page.getByRole('button', { name: /^Go back to/ }).waitFor();
  await examine(page, 'bank-no-accounts');
  await page.getByRole('button', { name: /^Go back to/ }).click();
  await page.getByText('access_denied').first().waitFor();
  await examine(page, 'tpp-error');

  await start(page, 'ongoing', `id:${sandbox.person('refuses').institution}`);
  await toAssent(page);
  await allow();
  await signIn(sandbox.person('refuses'));
  await page.getByRole('button', { name: /^Go back to/ }).waitFor();
  await examine(page, 'bank-refuses');

  await start(page, 'one-time', `id:${sandbox.institutionNamed('answers garbage').id}`);
  await toAssent(page);
  await allow();
  await page.getByRole('heading', { name: 'Something went wrong at your bank' }).waitFor();
  await examine(page, 'bank-problem');

  await page.goto(`${sandbox.urls.assent}/interaction/unknown`);
  await examine(page, 'page-no-longer-valid');
  await page.context().close();
}, 120_000);
