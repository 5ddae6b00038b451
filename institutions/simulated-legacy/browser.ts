import { Agent, request } from 'undici';
import type { Clock } from '../../core/clock.js';
import { InstitutionError } from '../../core/institution.js';
import { invalidAnswer, rateLimited, toTransportError } from '../institution-errors.js';
import { type Page, readPage } from './read-page.js';

/** Cookies by name. */
export type Cookies = Readonly<Record<string, string>>;

/** A browser at the bank, in one person's name. */
export interface Browser {
  /** What it would send now. */
  readonly cookies: Cookies;
  /**
   * Opens a page of the bank, or sends it a form, and follows where that leads.
   * @param path below the bank's origin; a link elsewhere is no page of the bank.
   * @throws {InstitutionError} `unavailable`, `rate_limited`, `refused` (4xx) or `invalid_answer`.
   */
  open(path: string, form?: Readonly<Record<string, string>>): Promise<Page>;
}

export interface BrowserOptions {
  /** As the person knows the bank; for messages. */
  readonly bankName: string;
  /** The bank's origin. */
  readonly url: string;
  /** PEM that the bank's certificate chains to, where it is not a public one. */
  readonly certificateAuthority?: string | undefined;
  /** For one page. */
  readonly timeoutSeconds: number;
  readonly clock: Clock;
}

const maxPageBytes = 1024 * 1024;
const maxRedirects = 5;
const maxCookies = 20;

/** Makes browsers that begin with the cookies given. */
export function createBrowsers(options: BrowserOptions): (cookies: Cookies) => Browser {
  const { bankName, url, certificateAuthority, timeoutSeconds, clock } = options;
  const timeout = timeoutSeconds * 1000;
  const { origin } = new URL(url);
  const dispatcher = new Agent({
    connect: { timeout, ...(certificateAuthority !== undefined && { ca: certificateAuthority }) },
    connections: 16,
    maxResponseSize: maxPageBytes,
  });

  async function exchange(target: URL, cookies: Cookies, form?: Readonly<Record<string, string>>) {
    const answer = await request(target, {
      dispatcher,
      method: form ? 'POST' : 'GET',
      headers: {
        accept: 'text/html',
        cookie: Object.entries(cookies)
          .map(([name, value]) => `${name}=${value}`)
          .join('; '),
        ...(form && { 'content-type': 'application/x-www-form-urlencoded' }),
      },
      body: form ? new URLSearchParams(form).toString() : null,
      signal: AbortSignal.timeout(timeout),
    });
    return { ...answer, html: await answer.body.text() };
  }

  function resolve(path: string): URL {
    const target = URL.parse(path, origin);
    if (target?.origin === origin) return target;
    throw invalidAnswer(bankName, new Error('a link that leaves the bank'));
  }

  return (initial) => {
    let cookies = initial;

    async function open(
      path: string,
      form?: Readonly<Record<string, string>>,
      redirects = 0,
    ): Promise<Page> {
      const answer = await exchange(resolve(path), cookies, form).catch((cause: unknown) => {
        throw toTransportError(bankName, cause);
      });
      const { statusCode, headers, html } = answer;
      cookies = takeCookies(cookies, headers['set-cookie']);
      if (statusCode === 200) return readPage(html);
      const { location } = headers;
      const leads = statusCode >= 300 && statusCode < 400 && typeof location === 'string';
      if (leads && redirects < maxRedirects) return open(location, undefined, redirects + 1);
      if (statusCode === 429) {
        const retryAfter = [headers['retry-after']].flat()[0] ?? null;
        throw rateLimited(bankName, retryAfter, clock.now());
      }
      throw toStatusError(bankName, statusCode);
    }

    return {
      get cookies() {
        return cookies;
      },
      open: (path, form) => open(path, form),
    };
  };
}

function toStatusError(bankName: string, status: number): InstitutionError {
  const cause = new Error(`HTTP status ${status}`);
  if (status >= 500) {
    return new InstitutionError('unavailable', `${bankName} is not available right now.`, {
      cause,
    });
  }
  if (status < 400) return invalidAnswer(bankName, cause);
  return new InstitutionError('refused', `${bankName} refused the request.`, { cause });
}

/** What the bank set is kept; nothing is read of a cookie but its name and value. */
function takeCookies(cookies: Cookies, header: string | string[] | undefined): Cookies {
  const set = [header ?? []].flat().flatMap((line) => {
    const [, name, value] =
      /^([^=;\s]+)=([\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*)/.exec(line) ?? [];
    return name === undefined || value === undefined ? [] : [[name, value] as const];
  });
  const all = [
    ...Object.entries(cookies).filter(([name]) => !set.some(([own]) => own === name)),
    ...set,
  ];
  return Object.fromEntries(all.slice(-maxCookies));
}
