import type { Page } from 'playwright-core';

export interface DemoPerson {
  readonly login: string;
  readonly password: string;
}

/** What a person does, in the words and controls that a page shows them. */
export function personAt(page: Page) {
  return {
    async chooseBank(name: string) {
      await page.getByRole('searchbox').fill(name);
      await page.getByRole('button', { name: 'Search' }).click();
      await page.getByRole('button', { name }).first().click();
    },
    allow: () => page.getByRole('button', { name: /^(Allow|Keep sharing|Continue)/ }).click(),
    refuse: () => page.getByRole('button', { name: /^(Refuse|Not now)/ }).click(),
    async signIn({ login, password }: DemoPerson) {
      await page.getByLabel('Login').fill(login);
      await page.getByLabel('Password').fill(password);
      await page.getByRole('button', { name: 'Sign in' }).click();
    },
    /** At a bank that has no page of its own: user name and password, on Assent's page. */
    async enterLogin({ login, password }: DemoPerson) {
      await page.getByLabel('User name').fill(login);
      await page.getByLabel('Password').fill(password);
      await page.getByRole('button', { name: 'Sign in' }).click();
    },
    async enterCode(code: string) {
      await page.getByLabel('Code').fill(code);
      await page.getByRole('button', { name: 'Continue' }).click();
    },
    /** The names of the accounts that the bank offers to share. */
    accountNames: () =>
      page
        .locator('label:has(input[name="account"]) bdi, input[name="account"] + label bdi')
        .allTextContents(),
    async shareAll() {
      for (const box of await page.getByRole('checkbox').all()) await box.check();
      await page.locator('button[name="decision"][value="allow"]').click();
    },
    /** Leaves only the accounts with these names chosen, and agrees. */
    async shareOnly(...names: readonly string[]) {
      for (const box of await page.getByRole('checkbox').all()) await box.uncheck();
      for (const name of names) await page.getByRole('checkbox', { name }).check();
      await page.locator('button[name="decision"][value="allow"]').click();
    },
  };
}

/**
 * Opens a page of the client at its redirect URI, as its server would: answers whatever comes there and
 * keeps the parameters, from the query or the fragment.
 */
export async function catchCallback(page: Page, redirectUri: string) {
  const arrived = Promise.withResolvers<URL>();
  const { origin, pathname } = new URL(redirectUri);
  await page.route(
    (url) => url.origin === origin && url.pathname === pathname,
    (route) => route.fulfill({ contentType: 'text/html', body: '<title>Back at the app</title>' }),
  );
  page.on('framenavigated', (frame) => {
    const url = new URL(frame.url());
    if (url.origin === origin && url.pathname === pathname) arrived.resolve(url);
  });
  return async () => {
    const late = setTimeout(async () => {
      const heading = await page.getByRole('heading').first().textContent({ timeout: 1000 });
      arrived.reject(new Error(`still at ${page.url()}: ${heading}`));
    }, 40_000);
    const url = await arrived.promise.finally(() => clearTimeout(late));
    return Object.fromEntries(new URLSearchParams(url.hash ? url.hash.slice(1) : url.search));
  };
}
