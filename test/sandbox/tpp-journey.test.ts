import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { sandboxClientNames } from '../../sandbox/tpp-document.js';
import { type OpenBrowser, openBrowser } from '../e2e/open-browser.js';
import { personAt } from '../e2e/person.js';
import { type StartedSandbox, startSandbox } from './support.js';

let directory: string;
let sandbox: StartedSandbox;
let browser: OpenBrowser;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'assent-journey-'));
  sandbox = await startSandbox(directory);
  browser = await openBrowser();
});
afterAll(async () => {
  await browser?.close();
  await sandbox?.leave();
  await sandbox?.stop();
  await rm(directory, { recursive: true, force: true });
});

interface Choice {
  readonly client: string;
  readonly access: 'one-time' | 'ongoing';
  readonly bank: string;
}

/** A developer chooses, and goes to Assent as the person. */
async function leaveForAssent(page: Page, { client, access, bank }: Choice): Promise<void> {
  await page.goto(sandbox.urls.tpp);
  await page.locator(`input[name="client"][value="${client}"]`).check();
  await page.locator(`input[name="access"][value="${access}"]`).check();
  await page.locator(`input[name="scope"][value="${bank}"]`).check();
  await page.getByRole('button', { name: 'Start' }).click();
  await page.getByRole('link', { name: 'Go to Assent as the person' }).first().click();
}

async function openPage(): Promise<Page> {
  const context = await browser.newPerson();
  return context.newPage();
}

function institution(name: string): string {
  const found = sandbox.tpp.institutions.find((one) => one.name === name);
  if (!found) throw new RangeError(name);
  return `id:${found.id}`;
}

async function giveAccess(page: Page, choice: Choice, ...accounts: string[]): Promise<void> {
  await leaveForAssent(page, choice);
  const person = personAt(page);
  if (choice.client !== 'identity-service-own-consent') await person.allow();
  await person.signIn(personWith('Three accounts'));
  await person.shareOnly(...accounts);
  await page.getByRole('button', { name: 'Exchange the code' }).first().click();
  await expectHeading(page, 'The bank is connected');
}

async function expectHeading(page: Page, heading: string): Promise<void> {
  const found = page.getByRole('heading', { level: 1, name: heading });
  await found.waitFor({ timeout: 40_000 }).catch(async (cause: unknown) => {
    const shown = await page.locator('main').textContent();
    throw new Error(`expected ${heading}, and saw ${shown}`, { cause });
  });
}

function personWith(what: string) {
  const found = sandbox.tpp.people.find((person) => person.what.includes(what));
  if (!found) throw new RangeError(what);
  return found;
}

const namesIn = (page: Page) => page.getByRole('table').first().getByRole('link').allTextContents();

describe('the TPP application with a person', () => {
  it.each(sandboxClientNames)(
    'connects a bank once as %s and reads only what was chosen',
    async (client) => {
      const page = await openPage();
      const choice = { client, access: 'one-time', bank: institution('Northbank') } as const;
      await giveAccess(page, choice, 'Everyday');
      await page.getByRole('link', { name: 'Read the accounts' }).first().click();
      await expectHeading(page, 'The accounts');
      expect(await namesIn(page)).toEqual(['Everyday']);

      await page.getByRole('link', { name: 'Everyday' }).click();
      await expectHeading(page, 'The transactions');
      const rows = page.getByRole('table', { name: 'Transactions' }).getByRole('row');
      const first = await rows.nth(1).textContent();
      expect(await rows.count()).toBe(26);
      await page.getByRole('link', { name: 'Older transactions' }).click();
      await expectHeading(page, 'The transactions');
      expect(await rows.nth(1).textContent()).not.toBe(first);
      await page.context().close();
    },
    120_000,
  );

  it('keeps access for a user, renews it, lists the connection, and deletes it', async () => {
    const page = await openPage();
    const bank = institution('Northbank Business');
    await giveAccess(page, { client: 'fapi2-security', access: 'ongoing', bank }, 'Copper card');
    await page.getByRole('link', { name: 'Read the accounts' }).first().click();
    await expectHeading(page, 'The accounts');
    expect(await namesIn(page)).toEqual(['Copper card']);

    const { allow, signIn, shareOnly } = personAt(page);
    for (const [renewal, atBank] of [
      ['Keep sharing for longer', async () => {}],
      [
        'Sign in at the bank again',
        async () => {
          await signIn(personWith('Three accounts'));
          await shareOnly('Copper card');
        },
      ],
    ] as const) {
      await page.getByRole('button', { name: renewal }).click();
      await page.getByRole('link', { name: 'Go to Assent as the person' }).first().click();
      await allow();
      await atBank();
      await page.getByRole('button', { name: 'Exchange the code' }).first().click();
      await expectHeading(page, 'The connection is renewed');
      await page.getByRole('link', { name: 'Read the accounts' }).first().click();
      await expectHeading(page, 'The accounts');
      expect(await namesIn(page)).toEqual(['Copper card']);
    }

    await page.getByRole('link', { name: 'List the connections' }).click();
    await expectHeading(page, 'The connections');
    await page.getByRole('button', { name: 'Delete the connection' }).first().click();
    await expectHeading(page, 'The connection is deleted');
    await page.goto(sandbox.urls.tpp);
    expect(await page.getByText('Already connected').count()).toBe(0);
    await page.context().close();
  });

  it('finds its connection again whatever becomes of a renewal, and renews it by its own screens', async () => {
    const page = await openPage();
    const bank = institution('Northbank');
    const click = (name: string) => page.getByRole('button', { name }).first().click();
    const follow = (name: string) => page.getByRole('link', { name }).first().click();
    await giveAccess(
      page,
      { client: 'identity-service-own-consent', access: 'ongoing', bank },
      'Everyday',
    );
    await follow('Read the accounts');
    await expectHeading(page, 'The accounts');
    const accounts = page.url();

    await click('Keep sharing for longer');
    await follow('Go to Assent as the person');
    await personAt(page).refuse();
    await expectHeading(page, 'This step did not work');
    await page.getByText(/did not renew now: their consent goes on until/).waitFor();
    await follow('Back to the connection');
    await expectHeading(page, 'The connections');

    await click('Extend by our own screen (PATCH)');
    await expectHeading(page, 'The consent is extended');
    await follow('Back to the connection');

    await click('Sign in at the bank by an auth request');
    await expectHeading(page, 'The auth request is made');
    await follow('Go to the bank as the person');
    await personAt(page).signIn(personWith('Three accounts'));
    await personAt(page).shareOnly('Everyday');
    await click('Complete the auth request');
    await expectHeading(page, 'The connection is renewed');
    await follow('Read the accounts');
    await expectHeading(page, 'The accounts');
    expect(page.url()).toBe(accounts);
    expect(await namesIn(page)).toEqual(['Everyday']);

    await page.goto(sandbox.urls.tpp);
    await page.getByText('Already connected').waitFor();
    const listed = page.getByRole('link', { name: /^Northbank, ongoing/ });
    expect(await listed.count()).toBe(1);
    await listed.click();
    await expectHeading(page, 'The connections');
    await page.context().close();
  });

  it('hears access_denied from a person who refuses at Assent', async () => {
    const page = await openPage();
    const bank = institution('Northbank');
    await leaveForAssent(page, { client: 'identity-service', access: 'one-time', bank });
    await personAt(page).refuse();
    await expectHeading(page, 'This step did not work');
    expect(await page.getByText('access_denied', { exact: true }).count()).toBe(1);
    await page.context().close();
  });

  it.each(['Test Bank that never answers', 'Test Bank that answers garbage'])(
    'gets the person back from the %s',
    async (name) => {
      const page = await openPage();
      const bank = institution(name);
      await leaveForAssent(page, { client: 'identity-service', access: 'one-time', bank });
      await personAt(page).allow();
      const wayBack = page.getByRole('button', { name: /back|cancel/i }).first();
      await wayBack.click({ timeout: 40_000 });
      await expectHeading(page, 'This step did not work');
      await page.context().close();
    },
    120_000,
  );
});
