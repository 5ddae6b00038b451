import { createHash, randomBytes } from 'node:crypto';
import type { Response } from 'undici';
import type { BankLedger } from '../../../core/bank-ledger.js';
import { systemClock } from '../../../core/clock.js';
import { createDemoLedger } from '../../../sandbox/bank/create-demo-ledger.js';
import { subjectOf } from '../../../sandbox/certificate-authority.js';
import { type RunningAssent, startAssent } from '../../support/start-assent.js';

const redirectUri = 'https://tpp.example/callback';

/**
 * Assent as a bank, with two clients that authenticate by certificate.
 * @param more settings, and what the first client's registration adds.
 */
export async function startBank(
  ledger: BankLedger = createDemoLedger({ clock: systemClock }),
  { settings = {}, metadata = {} }: { readonly settings?: object; readonly metadata?: object } = {},
) {
  const bank = await startAssent(
    {
      ...settings,
      role: 'bank',
      clients: [{ ...registration('tpp'), ...metadata }, registration('rival')],
    },
    { ledger },
  );
  return { ...bank, tpp: await connectTpp(bank, 'tpp'), rival: await connectTpp(bank, 'rival') };
}

function registration(name: string) {
  return {
    client_id: name,
    client_name: `The ${name}`,
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    response_types: ['code'],
    redirect_uris: [redirectUri],
    scope: 'openid offline_access accounts',
    token_endpoint_auth_method: 'tls_client_auth',
    tls_client_auth_subject_dn: subjectOf(name),
    tls_client_certificate_bound_access_tokens: true,
    id_token_signed_response_alg: 'PS256',
  };
}

/** What a client does at the bank, over mTLS. */
async function connectTpp(bank: RunningAssent, name: string) {
  const fetch = bank.fetcher(await bank.authority.client(name));
  const { mtlsUrl } = bank.configuration;
  const verifier = randomBytes(32).toString('base64url');

  async function post(path: string, form: Record<string, string>) {
    const response = await fetch(`${mtlsUrl}${path}`, {
      method: 'POST',
      body: new URLSearchParams({ client_id: name, ...form }).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    return { status: response.status, body: readRecord(await response.json()) };
  }

  async function call(token: string, path: string, init: { method?: string; body?: object } = {}) {
    const response = await fetch(`${mtlsUrl}/open-banking/v3.1/aisp${path}`, {
      method: init.method ?? 'GET',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(init.body && { body: JSON.stringify(init.body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text ? readRecord(JSON.parse(text)) : {} };
  }

  async function ownToken(): Promise<string> {
    const form = { grant_type: 'client_credentials', scope: 'accounts' };
    return String((await post('/oidc/token', form)).body.access_token);
  }

  return {
    call,
    ownToken,
    async register(data: object = {}): Promise<string> {
      const Permissions = ['ReadAccountsDetail', 'ReadBalances'];
      const { body } = await call(await ownToken(), '/account-access-consents', {
        method: 'POST',
        body: { Data: { Permissions, ...data }, Risk: {} },
      });
      return String(readRecord(body.Data).ConsentId);
    },
    async status(intentId: string): Promise<unknown> {
      const { body } = await call(await ownToken(), `/account-access-consents/${intentId}`);
      return readRecord(body.Data).Status;
    },
    withdraw: async (intentId: string) =>
      call(await ownToken(), `/account-access-consents/${intentId}`, { method: 'DELETE' }),
    /** Pushes an authorization request for an intent and gives the address for the browser. */
    async authorizeUrl(intentId: string | undefined, scope = 'openid accounts'): Promise<string> {
      const claims = { id_token: { openbanking_intent_id: { essential: true, value: intentId } } };
      const { body } = await post('/oidc/request', {
        response_type: 'code',
        redirect_uri: redirectUri,
        scope,
        state: 'state-of-the-tpp',
        nonce: 'nonce-of-the-tpp',
        ...(intentId !== undefined && { claims: JSON.stringify(claims) }),
        code_challenge: createHash('sha256').update(verifier).digest('base64url'),
        code_challenge_method: 'S256',
      });
      const query = new URLSearchParams({ client_id: name, request_uri: String(body.request_uri) });
      return `/oidc/auth?${query}`;
    },
    redeem: (code: string) =>
      post('/oidc/token', {
        grant_type: 'authorization_code',
        code,
        redirect_uri: redirectUri,
        code_verifier: verifier,
      }),
    refresh: (token: string) =>
      post('/oidc/token', { grant_type: 'refresh_token', refresh_token: token }),
  };
}

/** A page, or the redirect that ended the visit. */
export interface Seen {
  readonly status: number;
  readonly text: string;
  readonly url: URL;
}

/** A person's browser: keeps cookies by path, follows redirects within the bank, submits forms. */
export function openPerson(bank: RunningAssent) {
  const cookies = new Map<string, { readonly value: string; readonly path: string }>();
  const { publicUrl } = bank.configuration;

  function keep(response: Response): void {
    for (const line of response.headers.getSetCookie()) {
      const [pair = '', ...attributes] = line.split(/; ?/);
      const [name = '', value = ''] = pair.split('=');
      const path = attributes.find((text) => text.startsWith('path='))?.slice(5) ?? '/';
      if (value) cookies.set(`${name} ${path}`, { value, path });
      else cookies.delete(`${name} ${path}`);
    }
  }

  async function open(
    address: string,
    form?: Record<string, string | string[]>,
    headers: Record<string, string> = {},
  ): Promise<Seen> {
    const url = new URL(address, publicUrl);
    if (url.origin !== publicUrl) return { status: 302, text: '', url };
    const cookie = [...cookies]
      .filter(([, { path }]) => `${url.pathname}/`.startsWith(path === '/' ? path : `${path}/`))
      .map(([key, { value }]) => `${key.split(' ')[0]}=${value}`)
      .join('; ');
    const body = form && new URLSearchParams(Object.entries(form).flatMap(pairs)).toString();
    const response = await bank.fetch(url.href, {
      ...(body !== undefined && { method: 'POST', body }),
      headers: { cookie, 'content-type': 'application/x-www-form-urlencoded', ...headers },
    });
    keep(response);
    const text = await response.text();
    const location = response.headers.get('location');
    return location ? open(new URL(location, url).href) : { status: response.status, text, url };
  }

  return {
    open,
    /** Submits the form of a page whose action ends so, with its CSRF token. */
    submit(page: Seen, step: string, fields: Record<string, string | string[]> = {}) {
      const path = page.url.pathname.split('/').slice(0, 3).join('/');
      const csrf = /name="csrf" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
      if (!page.text.includes(`action="${path}/${step}"`)) throw new Error(`no form for ${step}`);
      return open(`${path}/${step}`, { csrf, ...fields });
    },
  };
}

function pairs([name, value]: [string, string | string[]]): [string, string][] {
  return [value].flat().map((single): [string, string] => [name, single]);
}

export function readRecord(value: unknown): Record<string, unknown> {
  if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value));
  throw new TypeError('not an object');
}
