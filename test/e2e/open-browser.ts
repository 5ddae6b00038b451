import chromium from '@sparticuz/chromium';
import { type BrowserContextOptions, chromium as playwright } from 'playwright-core';

/** A real, headless Chromium, which trusts the sandbox's own authority by not asking. */
export async function openBrowser() {
  const browser = await playwright.launch({
    executablePath: await chromium.executablePath(),
    // A single process dies with the first context that is closed.
    args: chromium.args.filter((argument) => argument !== '--single-process'),
    headless: true,
  });
  return {
    /** A new person: no cookies of anybody else. */
    newPerson: (options: BrowserContextOptions = {}) =>
      browser.newContext({ ignoreHTTPSErrors: true, ...options }),
    close: () => browser.close(),
  };
}

export type OpenBrowser = Awaited<ReturnType<typeof openBrowser>>;
