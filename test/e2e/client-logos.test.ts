import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { fetchLogoAt } from '../../core/client-logo.js';
import { clients } from '../../core/clients.js';
import { systemClock } from '../../core/clock.js';
import { update } from '../../core/storage.js';
import { openCertificateAuthority } from '../../sandbox/certificate-authority.js';
import { startCiba } from '../ciba/support/start-ciba.js';
import { startBank } from '../open-banking/support/start-bank.js';
import { eventually } from '../support/eventually.js';
import { makeTile } from '../support/make-png.js';
import { startAssent } from '../support/start-assent.js';
import { startTarget, type Target } from '../support/start-target.js';
import { type OpenBrowser, openBrowser } from './open-browser.js';
import { personAt } from './person.js';

const amelia = { login: 'amelia', password: 'harbour-lantern-42' };
const logo = makeTile(64, [214, 70, 60, 255]);

/** `ASSENT_SCREENSHOTS=folder` keeps what was seen. */
const screenshots = process.env.ASSENT_SCREENSHOTS;

let directory: string;
let target: Target;
let outgoing: { readonly allow: string[]; readonly certificateAuthorities: string[] };
let browser: OpenBrowser;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'assent-logos-'));
  const authority = await openCertificateAuthority(directory, systemClock);
  target = await startTarget(await authority.server('target'), (response) => {
    response.end(logo);
  });
  outgoing = {
    allow: [`localhost:${target.port}`],
    certificateAuthorities: [authority.certificate],
  };
  browser = await openBrowser();
  if (screenshots) await mkdir(screenshots, { recursive: true });
});
afterAll(async () => {
  await browser?.close();
  await target?.stop();
  await rm(directory, { recursive: true, force: true });
});

/** The browser has loaded the client's logo, and shows it once. */
async function expectLogo(page: Page, clientId: string, name: string): Promise<void> {
  const image = page.locator(`img.logo[src="/client-logos/${clientId}"]`);
  expect({ name, count: await image.count() }).toEqual({ name, count: 1 });
  await image.evaluate((element: HTMLImageElement) => element.decode());
  expect(await image.evaluate((element: HTMLImageElement) => element.naturalWidth)).toBe(64);
  if (screenshots) await page.screenshot({ path: join(screenshots, `${name}.png`) });
}

async function isServed(fetch: (url: string) => Promise<{ status: number }>, clientId: string) {
  await eventually(async () => {
    expect((await fetch(`/client-logos/${clientId}`)).status).toBe(200);
  });
}

test('a client’s fetched logo is on the pages of a visit to the bank, and at /access', async () => {
  const bank = await startBank(undefined, {
    settings: { outgoing },
    metadata: { logo_uri: `https://localhost:${target.port}/tpp.png` },
  });
  try {
    await isServed(bank.fetch, 'tpp');
    const { publicUrl } = bank.configuration;
    const page = await (await browser.newPerson()).newPage();
    const person = personAt(page);
    const intentId = await bank.tpp.register();
    await page.goto(`${publicUrl}${await bank.tpp.authorizeUrl(intentId)}`);
    await expectLogo(page, 'tpp', 'bank-login');
    await person.signIn(amelia);
    await expectLogo(page, 'tpp', 'bank-accounts');
    // Nobody is at the client's address.
    const back = page.waitForRequest('https://tpp.example/**', { timeout: 40_000 });
    await person.shareAll();
    await back;
    const later = await (await browser.newPerson()).newPage();
    await later.goto(`${publicUrl}/access`);
    await personAt(later).signIn(amelia);
    await expectLogo(later, 'tpp', 'bank-access');
  } finally {
    await bank.stop();
  }
});

test('and on the pages of /approvals', async () => {
  const bank = await startCiba();
  try {
    bank.answering.with = (response) => void response.end(logo);
    const stored = await bank.storage.get(clients, 'till');
    if (!stored) throw new Error('no client');
    const uri = bank.target.url;
    await bank.storage.commit([
      update(clients, stored, { ...stored.value, logo_uri: uri }),
      fetchLogoAt('till', uri, new Date(bank.clock.now())),
    ]);
    await isServed(bank.fetch, 'till');
    await bank.till.mustAsk({ binding_message: 'A-17' });
    const page = await (await browser.newPerson()).newPage();
    await page.goto(`${bank.configuration.publicUrl}/approvals`);
    await personAt(page).signIn(amelia);
    await expectLogo(page, 'till', 'approvals');
    await page.getByRole('link', { name: 'Look at the request' }).click();
    await expectLogo(page, 'till', 'approval');
    await page.getByRole('button', { name: 'Refuse' }).click();
    await expectLogo(page, 'till', 'approval-outcome');
  } finally {
    await bank.stop();
  }
});

test('and on the consent pages of the identity service', async () => {
  const assent = await startAssent(
    {
      outgoing,
      institutions: [
        {
          id: 'old-mill',
          name: 'Old Mill Bank',
          kind: 'legacy',
          connector: { type: 'simulated-legacy', url: 'https://mill.example.com' },
        },
      ],
      clients: [
        {
          client_id: 'budget',
          client_name: 'Budget Buddy',
          client_secret: 'a-secret-of-the-test-that-is-long-enough',
          profile: 'identity-service',
          token_endpoint_auth_method: 'client_secret_basic',
          grant_types: ['authorization_code'],
          redirect_uris: ['https://budget.example/callback'],
          logo_uri: `https://localhost:${target.port}/budget.png`,
        },
      ],
    },
    { simulatedInstitutions: true },
  );
  try {
    await isServed(assent.fetch, 'budget');
    const query = new URLSearchParams({
      client_id: 'budget',
      response_type: 'code',
      redirect_uri: 'https://budget.example/callback',
      scope: 'openid id:legacy accounts:read',
      prompt: 'consent',
      state: 'the-state',
    });
    const page = await (await browser.newPerson()).newPage();
    await page.goto(`${assent.issuer}/auth?${query}`);
    await expectLogo(page, 'budget', 'identity-chooser');
    await page.getByRole('button', { name: 'Old Mill Bank' }).click();
    await expectLogo(page, 'budget', 'identity-consent');
  } finally {
    await assent.stop();
  }
});
