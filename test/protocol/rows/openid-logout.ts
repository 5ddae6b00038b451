import { expect } from '@jest/globals';
import { decodeJwt, jwtVerify } from 'jose';
import type { Seen } from '../../open-banking/support/start-bank.js';
import { eventually } from '../../support/eventually.js';
import {
  type Changes,
  createRelyingParty,
  flow,
  type OpenidRun,
} from '../support/relying-party.js';

type Perform = (run: OpenidRun) => Promise<void>;
type Flow = Awaited<ReturnType<typeof flow>>;
type Query = Readonly<Record<string, string>>;

const end = (query: Query) => `/oidc/session/end?${new URLSearchParams(query)}`;

/** Says yes on the page that asks whether to sign out. */
async function confirm({ person }: Flow, page: Seen): Promise<Seen> {
  const xsrf = /name="xsrf" value="([^"]+)"/.exec(page.text)?.[1];
  const action = /action="([^"]+)"/.exec(page.text)?.[1];
  if (xsrf === undefined || action === undefined)
    throw new Error(`no page to confirm: ${page.text}`);
  return person.open(action, { xsrf, logout: 'yes' });
}

/** What `prompt=none` says afterwards. */
async function silently(started: Flow): Promise<string | undefined> {
  const { client, person } = started;
  return (await client.answer(person, { prompt: 'none' })).error;
}

async function expectSignedOut(started: Flow): Promise<void> {
  expect(await silently(started)).toMatch(/^(login|interaction)_required$/);
}

const back = ({ bank }: OpenidRun) => bank.at('/post_logout_redirect');

/** RP-Initiated Logout §2 and §3: the person is signed out, and comes back where that is registered. */
export const signsOut =
  (
    query: (run: OpenidRun, started: Flow) => Query,
    returns: 'with state' | 'without' | 'no',
  ): Perform =>
  async (run) => {
    const started = await flow(run);
    expect(await silently(started)).toBeUndefined();
    const page = await started.person.open(end(query(run, started)));
    const done = await confirm(started, page);
    if (returns === 'no') {
      expect(done.status).toBe(200);
      expect(done.text).toContain('You are signed out');
    } else {
      const state = returns === 'with state' ? '?state=bye' : '';
      expect(done.url.href).toBe(`${back(run)}${state}`);
    }
    await expectSignedOut(started);
  };

export const complete = (run: OpenidRun, { idToken }: Flow): Query => ({
  id_token_hint: idToken,
  post_logout_redirect_uri: back(run),
  state: 'bye',
});

/** Nobody is sent anywhere, and nobody is signed out. */
export const refusesToSignOut =
  (query: (run: OpenidRun, started: Flow) => Query): Perform =>
  async (run) => {
    const started = await flow(run);
    const page = await started.person.open(end(query(run, started)));
    expect({ status: page.status, at: page.url.origin }).toEqual({
      status: 400,
      at: run.bank.configuration.publicUrl,
    });
    expect(page.text).toContain('invalid_request');
    expect(await silently(started)).toBeUndefined();
  };

export const withHint =
  (hint: (run: OpenidRun, started: Flow) => string) =>
  (run: OpenidRun, started: Flow): Query => ({
    ...complete(run, started),
    id_token_hint: hint(run, started),
  });

export const withRedirect =
  (suffix: string) =>
  (run: OpenidRun, started: Flow): Query => ({
    ...complete(run, started),
    post_logout_redirect_uri: back(run) + suffix,
  });

/** An ID token whose signature does not fit any more. */
export function modified(_run: OpenidRun, { idToken }: Flow): string {
  const [header, payload, signature = ''] = idToken.split('.');
  const flipped = signature.startsWith('A') ? `B${signature.slice(1)}` : `A${signature.slice(1)}`;
  return [header, payload, flipped].join('.');
}

async function tell(run: OpenidRun, metadata: Changes) {
  const started = await flow(run, { client: await createRelyingParty(run, metadata) });
  const { sid } = decodeJwt(started.idToken);
  expect(sid).toEqual(expect.any(String));
  const page = await started.person.open(end(complete(run, started)));
  return { started, sid, done: await confirm(started, page) };
}

/** Back-Channel Logout §2.4 and §2.5. */
export const toldOnTheServer: Perform = async (run) => {
  const { bank } = run;
  const path = `/backchannel_logout/${crypto.randomUUID()}`;
  const { started, sid, done } = await tell(run, {
    backchannel_logout_uri: bank.at(path),
    backchannel_logout_session_required: true,
  });
  expect(done.url.href).toBe(`${back(run)}?state=bye`);
  const received = await eventually(() => {
    const told = bank.application.received.find(({ url }) => url === path);
    expect(told).toBeDefined();
    return told;
  });
  expect(received?.headers['content-type']).toMatch(/^application\/x-www-form-urlencoded/);
  const token = new URLSearchParams(received?.body).get('logout_token') ?? '';
  const { payload, protectedHeader } = await jwtVerify(token, await bank.published(), {
    issuer: bank.issuer,
    audience: started.client.clientId,
    currentDate: new Date(bank.clock.now()),
  });
  expect(protectedHeader.alg).toBe(
    started.client.registered.id_token_signed_response_alg ?? 'RS256',
  );
  expect(payload).toMatchObject({
    ...{ sid, jti: expect.any(String), iat: expect.any(Number), exp: expect.any(Number) },
    events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
  });
  expect(payload).not.toHaveProperty('nonce');
  await expectSignedOut(started);
};

/** Front-Channel Logout §3: in a frame of a page that goes on to the application. */
export const toldInFrame: Perform = async (run) => {
  const frontchannel_logout_uri = run.bank.at('/frontchannel_logout');
  const { started, sid, done } = await tell(run, {
    frontchannel_logout_uri,
    frontchannel_logout_session_required: true,
  });
  const frame = new URL(frontchannel_logout_uri);
  frame.search = new URLSearchParams({ iss: run.bank.issuer, sid: String(sid) }).toString();
  expect(done.text).toContain(`src="${frame.href.replaceAll('&', '&amp;')}"`);
  expect(done.text).toContain(`href="${back(run)}?state=bye"`);
  await expectSignedOut(started);
};
