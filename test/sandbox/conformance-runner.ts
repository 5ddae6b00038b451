import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { decodeJwt, exportJWK, generateKeyPair, importJWK, type JWTPayload, SignJWT } from 'jose';
import type { BrowserContext, Page } from 'playwright-core';
import { Agent, fetch } from 'undici';
import type {
  BrowserCommand,
  BrowserVisit,
  PlanClient,
  PlanDocument,
} from '../../sandbox/conformance/plan-document.js';
import { readRecord } from '../open-banking/support/start-bank.js';

type Form = Readonly<Record<string, string>>;
type Variant = Readonly<Record<string, string>>;

/** What a browser has done with an address that it was sent to. */
export interface Visited {
  readonly url: URL;
  /** What the suite would have shown a reviewer, as the text that was waited for. */
  readonly pictures: readonly string[];
  readonly tasks: readonly string[];
}

/** As the suite matches addresses: `*` stands for anything. */
function matches(pattern: string, url: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 's').test(url);
}

function selectorOf(kind: unknown, target: unknown): string {
  const selectors: Readonly<Record<string, string>> = {
    id: `#${target}`,
    name: `[name='${target}']`,
    xpath: `xpath=${target}`,
    css: String(target),
  };
  const selector = selectors[String(kind)];
  if (selector === undefined) throw new TypeError(`no selector ${kind}`);
  return selector;
}

async function perform(page: Page, command: BrowserCommand, pictures: string[]): Promise<void> {
  const [verb, kind, target, ...rest] = command;
  if (verb === 'wait' && kind === 'contains') {
    await page.waitForURL((url) => url.href.includes(String(target)), {
      timeout: Number(rest[0]) * 1000,
    });
    return;
  }
  const found = page.locator(selectorOf(kind, target)).first();
  if (verb === 'wait') {
    const [seconds, text, picture] = rest;
    await found.waitFor({ state: 'attached', timeout: Number(seconds) * 1000 });
    if (text === undefined) return;
    if (!(await found.textContent())?.includes(String(text))) throw new Error(`no ${text}`);
    if (picture !== undefined) pictures.push(String(text));
    return;
  }
  const isOptional = rest.at(-1) === 'optional';
  if (isOptional && (await found.count()) === 0) return;
  if (verb === 'text') return found.fill(String(rest[0]));
  if (verb !== 'click') throw new TypeError(`no command ${verb}`);
  const leads = await found.evaluate((element) => element.tagName === 'BUTTON');
  const navigated = leads ? page.waitForEvent('framenavigated') : undefined;
  await found.click();
  await navigated;
}

/** The browser of one module: performs what a configuration says of the addresses it is sent to. */
export function openSuiteBrowser(context: BrowserContext, visits: readonly BrowserVisit[]) {
  const used = new Map<BrowserVisit, number>();

  return async function visit(url: string): Promise<Visited> {
    const chosen = visits.find(
      (one) => matches(one.match, url) && (used.get(one) ?? 0) < (one['match-limit'] ?? Infinity),
    );
    if (!chosen) throw new Error(`no visit for ${url}`);
    used.set(chosen, (used.get(chosen) ?? 0) + 1);
    const page = await context.newPage();
    const pictures: string[] = [];
    const tasks: string[] = [];
    await page.goto(url);
    for (const { task, match, optional = false, commands = [] } of chosen.tasks) {
      await page.waitForLoadState();
      if (!matches(match, page.url())) {
        if (optional) continue;
        throw new Error(`${task}: ${page.url()} is not ${match}`);
      }
      for (const command of commands) await perform(page, command, pictures);
      tasks.push(task);
    }
    const visited = { url: new URL(page.url()), pictures, tasks };
    await page.close();
    return visited;
  };
}

/** The parameters that have come back to the suite. */
export function readAnswer({ url }: Visited): Form {
  const said = Object.fromEntries(new URLSearchParams(url.hash ? url.hash.slice(1) : url.search));
  if (said.response === undefined) return said;
  return Object.fromEntries(
    Object.entries(decodeJwt(said.response)).map(([name, value]) => [name, String(value)]),
  );
}

const epoch = () => Math.floor(Date.now() / 1000);

/** A client of a plan, with what the plan's configuration says of it and nothing else. */
export async function connectClient(
  plan: PlanDocument,
  variant: Variant,
  client: PlanClient,
  suite: string,
) {
  const isSecond = client === plan.client2;
  const shown = isSecond ? plan.mtls2 : plan.mtls;
  // As the suite: any server will do, its certificate is looked at by tests of their own.
  const dispatcher = new Agent({
    connect: { rejectUnauthorized: false, ...(shown && { cert: shown.cert, key: shown.key }) },
  });
  const send = (url: string, init: object = {}) =>
    fetch(url, { dispatcher, redirect: 'manual', ...init });
  const json = async (url: string, init: object = {}) => {
    const answer = await send(url, init);
    const text = await answer.text();
    return { status: answer.status, body: text ? readRecord(JSON.parse(text)) : {} };
  };
  const discovered = await json(plan.server.discoveryUrl);
  const metadata = {
    ...discovered.body,
    ...(shown ? readRecord(discovered.body.mtls_endpoint_aliases) : {}),
  };
  const endpoint = (name: string) => String(Reflect.get(metadata, name));
  const issuer = String(discovered.body.issuer);
  const callback = `${suite}test/a/${plan.alias}/callback`;
  const redirectUri = isSecond ? `${callback}?dummy1=lorem&dummy2=ipsum` : callback;
  const clientId = String(client.client_id);
  const [jwk = {}] = client.jwks?.keys ?? [];
  const dpop = await generateKeyPair('ES256', { extractable: true });
  const dpopJwk = await exportJWK(dpop.publicKey);
  const usesDpop = variant.sender_constrain === 'dpop';

  async function sign(claims: JWTPayload): Promise<string> {
    const key = await importJWK(jwk, 'PS256');
    return new SignJWT({ iss: clientId, aud: issuer, jti: randomUUID(), ...claims })
      .setProtectedHeader({ alg: 'PS256', ...(jwk.kid !== undefined && { kid: jwk.kid }) })
      .setIssuedAt()
      .setNotBefore(epoch())
      .setExpirationTime('5m')
      .sign(key);
  }

  async function credentials(): Promise<Form> {
    if (client.client_secret !== undefined || variant.client_auth_type === 'mtls') {
      return { client_id: clientId };
    }
    return {
      client_id: clientId,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: await sign({ sub: clientId }),
    };
  }

  async function proof(method: string, url: string, token?: string): Promise<Form> {
    if (!usesDpop) return {};
    const ath = token && createHash('sha256').update(token).digest('base64url');
    const claims = { jti: randomUUID(), htm: method, htu: url, ...(ath && { ath }) };
    const header = { typ: 'dpop+jwt', alg: 'ES256', jwk: dpopJwk };
    return {
      dpop: await new SignJWT(claims)
        .setProtectedHeader(header)
        .setIssuedAt()
        .sign(dpop.privateKey),
    };
  }

  async function post(name: string, form: Form) {
    const url = endpoint(name);
    const { client_secret: secret } = client;
    const basic = secret && Buffer.from(`${clientId}:${secret}`).toString('base64');
    return json(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        ...(basic && { authorization: `Basic ${basic}` }),
        ...(name === 'token_endpoint' && (await proof('POST', url))),
      },
      body: new URLSearchParams({ ...form, ...(await credentials()) }).toString(),
    });
  }

  async function read(url: string, token: unknown, init: object = {}) {
    const scheme = usesDpop ? 'DPoP' : 'Bearer';
    const headers = {
      authorization: `${scheme} ${token}`,
      'content-type': 'application/json',
      ...(plan.resource?.cdrVersion && { 'x-v': plan.resource.cdrVersion }),
      ...(await proof('GET', url, String(token))),
    };
    return json(url, { headers, ...init });
  }

  return {
    clientId,
    issuer,
    redirectUri,
    metadata: discovered.body,
    sign,
    post,
    read,
    endpoint,
    authorizeUrl: (form: Form) =>
      `${endpoint('authorization_endpoint')}?${new URLSearchParams(form)}`,
    close: () => dispatcher.destroy(),
  };
}

export type SuiteClient = Awaited<ReturnType<typeof connectClient>>;

const uk = 'urn:openbanking:psd2:sca';

/** An intent, as a client in the United Kingdom registers it before it sends the person. */
async function registerIntent(plan: PlanDocument, client: SuiteClient): Promise<string> {
  const { body } = await client.post('token_endpoint', {
    grant_type: 'client_credentials',
    scope: 'accounts',
  });
  const registered = await client.read(
    String(plan.resource?.resourceUrlAccountRequests),
    body.access_token,
    {
      method: 'POST',
      body: JSON.stringify({ Data: { Permissions: ['ReadAccountsBasic'] }, Risk: {} }),
    },
  );
  return String(readRecord(registered.body.Data).ConsentId);
}

/** Where a person is sent by a plan's client, and how the code is redeemed that they bring back. */
export async function beginFapi(
  plan: PlanDocument,
  variant: Variant,
  client: SuiteClient,
  config: PlanClient,
) {
  const verifier = randomBytes(32).toString('base64url');
  const isFapi1 = 'fapi_auth_request_method' in variant;
  const isPushed = variant.fapi_auth_request_method !== 'by_value';
  const isSigned = isFapi1 || variant.fapi_request_method === 'signed_non_repudiation';
  const isJarm = variant.fapi_response_mode === 'jarm';
  const isOpenid = config.scope?.split(' ').includes('openid');
  const details = plan.resource?.richAuthorizationRequest;
  const isUk = variant.fapi_profile === 'openbanking_uk';
  const intent = isUk ? await registerIntent(plan, client) : undefined;
  const claims = { openbanking_intent_id: { value: intent, essential: true } };
  const contexts = Reflect.get(client.metadata, 'acr_values_supported');
  /** What the suite asks for beside the scopes, by profile. */
  const asked: Readonly<Record<string, object>> = {
    openbanking_uk: {
      claims: { id_token: { ...claims, acr: { value: uk, essential: true } } },
    },
    connectid_au: {
      claims: { id_token: { name: null }, userinfo: { name: null } },
      purpose: 'To open an account',
    },
    consumerdataright_au: {
      claims: {
        sharing_duration: 7_776_000,
        id_token: { acr: { essential: true, values: ['urn:cds.au:cdr:2'] } },
      },
    },
    plain_fapi: isFapi1
      ? { claims: { id_token: { acr: { essential: true, values: contexts } } } }
      : {},
  };
  const state = randomUUID();
  const parameters = {
    client_id: client.clientId,
    redirect_uri: client.redirectUri,
    response_type: isFapi1 && !isJarm ? 'code id_token' : 'code',
    ...(config.scope && { scope: config.scope }),
    state,
    ...(isOpenid && { nonce: randomUUID() }),
    ...(isJarm && { response_mode: 'jwt' }),
    ...(isPushed && {
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
    }),
    ...(variant.authorization_request_type === 'rar' && { authorization_details: details }),
    ...asked[String(variant.fapi_profile)],
  };
  const asForm = Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  );
  const form: Form = isSigned ? { request: await client.sign(parameters) } : asForm;
  async function urlOf(): Promise<string> {
    if (!isPushed) {
      const { client_id, response_type, scope = '' } = asForm;
      return client.authorizeUrl({
        client_id: String(client_id),
        response_type: String(response_type),
        scope,
        ...form,
      });
    }
    const { status, body } = await client.post('pushed_authorization_request_endpoint', form);
    if (status !== 201) throw new Error(JSON.stringify(body));
    return client.authorizeUrl({
      client_id: client.clientId,
      request_uri: String(body.request_uri),
    });
  }
  return {
    state,
    url: await urlOf(),
    redeem: (code: string | undefined) =>
      client.post('token_endpoint', {
        grant_type: 'authorization_code',
        code: String(code),
        redirect_uri: client.redirectUri,
        ...(isPushed && { code_verifier: verifier }),
      }),
  };
}

/** Asks a person who is elsewhere, has their phone decide, and gets what that gives. */
export async function askElsewhere(
  plan: PlanDocument,
  client: SuiteClient,
  config: PlanClient,
  action: 'allow' | 'deny',
) {
  const token = randomUUID();
  const request = await client.sign({
    scope: config.scope,
    [String(config.hint_type)]: config.hint_value,
    client_notification_token: token,
  });
  const asked = await client.post('backchannel_authentication_endpoint', { request });
  const { auth_req_id: id, interval } = asked.body;
  if (asked.status !== 200) throw new Error(JSON.stringify(asked.body));
  const decide = String(plan.automated_ciba_approval_url)
    .replace('{auth_req_id}', String(id))
    .replace('{action}', action);
  const agent = new Agent({ connect: { rejectUnauthorized: false } });
  const decided = await fetch(decide, { method: 'POST', dispatcher: agent });
  if (decided.status !== 200) throw new Error(await decided.text());
  await agent.destroy();
  const poll = () =>
    client.post('token_endpoint', {
      grant_type: 'urn:openid:params:grant-type:ciba',
      auth_req_id: String(id),
    });
  const first = await poll();
  if (first.body.error !== 'slow_down') return { id, token, answer: first };
  await wait(Number(interval) * 1000);
  return { id, token, answer: await poll() };
}
