import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Response } from 'undici';
import type { ConfigurationInput } from '../../../config/schema.js';
import type { BankLedger } from '../../../core/bank-ledger.js';
import { clients } from '../../../core/clients.js';
import { systemClock } from '../../../core/clock.js';
import { put } from '../../../core/storage.js';
import { createDemoLedger } from '../../../sandbox/bank/create-demo-ledger.js';
import {
  type CertificateAuthority,
  openCertificateAuthority,
  subjectOf,
} from '../../../sandbox/certificate-authority.js';
import { createMovingClock } from '../../adapters/support/moving-clock.js';
import { createVisitor, type VisitedPage } from '../../security/support/visitor.js';
import { createClientKeys } from '../../support/client-keys.js';
import { type RunningAssent, startAssent } from '../../support/start-assent.js';
import { startTarget } from '../../support/start-target.js';

export const amelia = { login: 'amelia', password: 'harbour-lantern-42' };
export const daniel = { login: 'daniel', password: 'copper-meadow-17' };
export const cibaGrant = 'urn:openid:params:grant-type:ciba';

/** What a client's registration has for CIBA. */
export const backchannel = {
  profile: 'fapi-ciba',
  grant_types: [cibaGrant, 'refresh_token', 'client_credentials'],
  response_types: [],
  redirect_uris: [],
  scope: 'openid offline_access accounts',
  tls_client_certificate_bound_access_tokens: true,
  backchannel_token_delivery_mode: 'poll',
  backchannel_authentication_request_signing_alg: 'PS256',
  id_token_signed_response_alg: 'PS256',
};

/** Assent as a bank whose customers approve on a device of their own, with clients of both modes. */
export async function startCiba(
  settings: Pick<ConfigurationInput, 'features'> = {},
  ledger: Partial<BankLedger> = {},
) {
  const directory = await mkdtemp(join(tmpdir(), 'assent-ciba-'));
  const clock = createMovingClock();
  const answering = { with: (response: ServerResponse) => void response.writeHead(204).end() };
  const authority = await openCertificateAuthority(directory, systemClock);
  const target = await startTarget(await authority.server('target'), (response) =>
    answering.with(response),
  );
  const outgoing = { allow: ['localhost'], certificateAuthorities: [authority.certificate] };
  const bank = await startAssent(
    { role: 'bank', outgoing, ...settings },
    { ledger: { ...createDemoLedger({ clock }), ...ledger }, clock },
  );

  const connectClient = (name: string, metadata: object = {}) =>
    connect({ bank, authority: bank.authority, now: () => clock.now() }, name, metadata);
  const notifying = {
    backchannel_token_delivery_mode: 'ping',
    backchannel_client_notification_endpoint: target.url,
  };
  return {
    ...bank,
    clock,
    target,
    /** How the client's notification endpoint answers. */
    answering,
    connectClient,
    till: await connectClient('till'),
    rival: await connectClient('rival'),
    bell: await connectClient('bell', notifying),
    /** A person's own device at the bank. */
    openPhone: () => createVisitor({ fetch: bank.fetch, stopAt: 'https://elsewhere.example' }),
    async stop() {
      await bank.stop();
      await target.stop();
      await rm(directory, { recursive: true });
    },
  };
}

export type RunningCiba = Awaited<ReturnType<typeof startCiba>>;
export type Phone = ReturnType<RunningCiba['openPhone']>;
export type CibaClient = RunningCiba['till'];

interface ClientDeps {
  readonly bank: RunningAssent;
  readonly authority: CertificateAuthority;
  readonly now: () => number;
}

type Form = Readonly<Record<string, string>>;

/** A client that authenticates by `private_key_jwt`, unless its metadata say otherwise. */
async function connect({ bank, authority, now }: ClientDeps, name: string, metadata: object) {
  const keys = await createClientKeys('PS256');
  const fetch = bank.fetcher(await authority.client(name));
  const { mtlsUrl } = bank.configuration;
  const registered = {
    ...backchannel,
    client_id: name,
    client_name: `The ${name}`,
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: keys.jwks,
    ...metadata,
  };
  await bank.storage.commit([put(clients, name, registered)]);
  const seconds = () => Math.floor(now() / 1000);

  async function authenticate(audience: string | string[] = bank.issuer): Promise<Form> {
    if (registered.token_endpoint_auth_method !== 'private_key_jwt') return { client_id: name };
    const times = { iat: seconds(), exp: seconds() + 60 };
    return keys.assertion(name, audience, times);
  }

  async function post(path: string, form: Form, sender = fetch) {
    const response = await sender(`${mtlsUrl}${path}`, {
      method: 'POST',
      body: new URLSearchParams(form).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    return answerOf(response);
  }

  /** The claims of a request object that the bank accepts. */
  function claims(parameters: object): Record<string, unknown> {
    return {
      iss: name,
      aud: bank.issuer,
      iat: seconds(),
      nbf: seconds(),
      exp: seconds() + 300,
      jti: randomUUID(),
      scope: 'openid accounts',
      login_hint: amelia.login,
      ...parameters,
    };
  }

  const sign = (parameters: object) => keys.sign(claims(parameters));

  return {
    name,
    keys,
    fetch,
    post,
    authenticate,
    claims,
    sign,
    /** Sends a signed request; `parameters` replace or extend its claims, undefined leaves one out. */
    async ask(parameters: object = {}) {
      const request = await sign(parameters);
      return post('/oidc/backchannel', { request, ...(await authenticate()) });
    },
    /** Sends a request that must be taken. @returns its `auth_req_id`. */
    async mustAsk(parameters: object = {}): Promise<string> {
      const { status, body } = await this.ask(parameters);
      if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
      return String(body.auth_req_id);
    },
    poll: async (authReqId: string, more: Form = {}) =>
      post('/oidc/token', {
        grant_type: cibaGrant,
        auth_req_id: authReqId,
        ...(await authenticate()),
        ...more,
      }),
    refresh: async (token: unknown) =>
      post('/oidc/token', {
        grant_type: 'refresh_token',
        refresh_token: String(token),
        ...(await authenticate()),
      }),
    async call(token: unknown, path: string, init: { method?: string; body?: object } = {}) {
      const response = await fetch(`${mtlsUrl}/open-banking/v3.1/aisp${path}`, {
        method: init.method ?? 'GET',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        ...(init.body && { body: JSON.stringify(init.body) }),
      });
      return answerOf(response);
    },
    async userInfo(token: unknown) {
      const headers = { authorization: `Bearer ${token}` };
      return answerOf(await fetch(`${mtlsUrl}/oidc/userinfo`, { headers }));
    },
    /** Registers an intent. */
    async register(permissions = ['ReadAccountsDetail', 'ReadBalances']): Promise<string> {
      const token = await this.ownToken();
      const { body } = await this.call(token, '/account-access-consents', {
        method: 'POST',
        body: { Data: { Permissions: permissions }, Risk: {} },
      });
      return String(Object(body.Data).ConsentId);
    },
    async ownToken(): Promise<unknown> {
      const form = { grant_type: 'client_credentials', scope: 'accounts' };
      return (await post('/oidc/token', { ...form, ...(await authenticate()) })).body.access_token;
    },
    async intent(id: string, method = 'GET') {
      const { body } = await this.call(await this.ownToken(), `/account-access-consents/${id}`, {
        method,
      });
      return Object(body.Data).Status;
    },
  };
}

async function answerOf(response: Response) {
  const text = await response.text();
  const body: Record<string, unknown> = text ? JSON.parse(text) : {};
  return { status: response.status, body };
}

/** The `claims` of a request for an intent. */
export function forIntent(intentId: string) {
  const openbanking_intent_id = { essential: true, value: intentId };
  return { claims: { id_token: { openbanking_intent_id, acr: { essential: true } } } };
}

/** Tells the subject that `tls_client_auth` clients of the authority have. */
export { subjectOf };

/** Signs a customer in on their device. @returns what waits for them. */
export async function signIn(bank: RunningCiba, phone: Phone, who = amelia): Promise<VisitedPage> {
  const page = await phone.go(`${bank.configuration.publicUrl}/approvals`);
  return phone.submit(page, '/sign-in', Object.entries(who));
}

/** The addresses of what waits, as the page links to them, the latest first. */
export function linksOf({ html, url }: VisitedPage): string[] {
  const links = html.matchAll(/href="(\/approvals\/[\w-]{43})"/g);
  return [...links].map(([, path = '']) => new URL(path, url).href);
}

/** Decides what a page asks. */
export function decide(
  phone: Phone,
  page: VisitedPage,
  decision: 'approve' | 'refuse',
  accounts: readonly string[] = ['22289'],
): Promise<VisitedPage> {
  return phone.submit(page, '/decision', [
    ...accounts.map((id) => ['account', id] as const),
    ['decision', decision],
  ]);
}

/** Signs in on a fresh device and decides the latest request. */
export async function decideLatest(
  bank: RunningCiba,
  decision: 'approve' | 'refuse',
  accounts?: readonly string[],
): Promise<VisitedPage> {
  const phone = bank.openPhone();
  const [latest = ''] = linksOf(await signIn(bank, phone));
  return decide(phone, await phone.go(latest), decision, accounts);
}
