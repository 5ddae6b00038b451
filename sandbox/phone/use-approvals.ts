import { readFile } from 'node:fs/promises';
import { Agent, fetch } from 'undici';
import type { DemoLogin } from '../../core/bank-ledger.js';

/** What a person does with a request. */
export type Action = 'allow' | 'deny';

/** A person's browser on the bank's own pages. */
export interface Person {
  /**
   * Signs in at the bank and decides one request by the forms that its pages have; with an "allow" all
   * accounts that the page offers are shared.
   * @param href the request's page.
   * @returns false where the page could not be decided, e.g. because it has expired.
   */
  decide(href: string, login: DemoLogin, action: Action): Promise<boolean>;
  close(): Promise<void>;
}

/** Opens the browser. @param ca the file of the authority that signed the bank's certificate, PEM. */
export async function openPerson(ca: string): Promise<Person> {
  const agent = new Agent({ connect: { ca: await readFile(ca, 'utf8') } });

  return {
    async decide(href, { login, password }, action) {
      let cookie = '';

      async function visit(url: string, form?: URLSearchParams): Promise<string> {
        const response = await fetch(url, {
          dispatcher: agent,
          redirect: 'manual',
          headers: { cookie },
          ...(form && { method: 'POST', body: form }),
        });
        const [given] = response.headers.getSetCookie();
        if (given !== undefined) cookie = given.split(';', 1)[0] ?? '';
        const location = response.headers.get('location');
        return location === null ? response.text() : visit(new URL(location, url).href);
      }

      const signIn = await visit(href);
      const signedIn = await visit(
        `${href}/sign-in`,
        new URLSearchParams({ csrf: csrfOf(signIn), login, password }),
      );
      const [, code] = / (\d{6}) is your code/.exec(signedIn) ?? [];
      const page =
        code === undefined
          ? signedIn
          : await visit(`${href}/code`, new URLSearchParams({ csrf: csrfOf(signedIn), code }));
      const form = new URLSearchParams({ csrf: csrfOf(page) });
      form.set('decision', action === 'allow' ? 'approve' : 'refuse');
      const boxes = page.matchAll(/type="checkbox" name="([^"]+)" value="([^"]+)"/g);
      for (const [, name = '', account = ''] of boxes) form.append(name, account);
      const end = await visit(`${href}/decision`, form);
      return end.includes(action === 'allow' ? 'You have approved this' : 'You have refused this');
    },
    close: () => agent.destroy(),
  };
}

function csrfOf(page: string): string {
  return /name="csrf" value="([^"]+)"/.exec(page)?.[1] ?? '';
}
