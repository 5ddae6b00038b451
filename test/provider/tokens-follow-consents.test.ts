import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { extendGrant } from '../../adapters/oidc/extend-grant.js';
import { revokeGrant } from '../../adapters/oidc/revoke-grant.js';
import { consents } from '../../core/consent.js';
import { update } from '../../core/storage.js';
import { createMovingClock } from '../adapters/support/moving-clock.js';
import { seedCode, seededRedirectUri } from '../support/seed-code.js';
import { type RunningAssent, startAssent } from '../support/start-assent.js';

const day = 86_400;
const secret = 'a-secret-of-the-test-that-is-long-enough';
const scope = 'openid offline_access accounts:read';
const clock = createMovingClock();
let assent: RunningAssent;

beforeAll(async () => {
  const client = {
    client_id: 'tpp',
    client_secret: secret,
    profile: 'identity-service',
    token_endpoint_auth_method: 'client_secret_basic',
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    redirect_uris: [seededRedirectUri],
  };
  assent = await startAssent({ clients: [client] }, { clock });
});

afterAll(() => assent.stop());

async function askForTokens(form: Record<string, string>) {
  const response = await assent.fetch('/oidc/token', {
    method: 'POST',
    body: new URLSearchParams(form),
    headers: { authorization: `Basic ${Buffer.from(`tpp:${secret}`).toString('base64')}` },
  });
  return { status: response.status, body: (await response.json()) as Record<string, string> };
}

async function redeem(code: string) {
  const form = { grant_type: 'authorization_code', code, redirect_uri: seededRedirectUri };
  const { status, body } = await askForTokens(form);
  const refresh = () =>
    askForTokens({ grant_type: 'refresh_token', refresh_token: String(body.refresh_token) });
  return { status, body, refresh };
}

/** Moves the end of a consent and of its Grant, as a reconsent does. */
async function extend(grantId: string, days: number): Promise<void> {
  const { storage, configuration } = assent;
  const end = new Date(clock.now() + days * day * 1000);
  const consent = await storage.get(consents, grantId);
  if (!consent) throw new Error('there is no such consent');
  const extended = { ...consent.value, expiresAt: end.toISOString() };
  await storage.commit([
    update(consents, consent, extended),
    ...(await extendGrant(storage, grantId, end, configuration.lifetimes.revival)),
  ]);
}

const readAccounts = async (token: unknown) =>
  (await assent.fetch('/v3/accounts', { headers: { authorization: `Bearer ${token}` } })).status;

test('tokens end with their consent to the second, and a consent that is extended brings them back', async () => {
  const connection = { status: 'ok' as const };
  const { code, grantId } = await seedCode(
    assent,
    { clientId: 'tpp', scope, seconds: 90 * day, connection },
    clock,
  );
  const { body, refresh } = await redeem(code);
  expect(Number(body.expires_in)).toBe(7200);
  expect(await readAccounts(body.access_token)).toBe(200);

  clock.advance(90 * day - 100);
  const last = await refresh();
  expect(Number(last.body.expires_in)).toBeLessThanOrEqual(100);
  expect(last.body.refresh_token).toBe(body.refresh_token);
  clock.advance(100);
  expect(await refresh()).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  expect(await readAccounts(last.body.access_token)).toBe(401);

  // Far longer than one consent: the refresh token has no end of its own.
  for (let renewals = 0; renewals < 4; renewals += 1) {
    clock.advance(170 * day);
    expect((await refresh()).body.error).toBe('invalid_grant');
    await extend(grantId, 90);
    const { status, body: renewed } = await refresh();
    expect({ status, scope: renewed.scope }).toEqual({ status: 200, scope: 'accounts:read' });
    expect(await readAccounts(renewed.access_token)).toBe(200);
    clock.advance(90 * day);
  }
  await extend(grantId, 90);
  await assent.storage.commit(revokeGrant(grantId));
  expect((await refresh()).body.error).toBe('invalid_grant');
});

test('a consent that is made shorter takes its access tokens along', async () => {
  const { code, grantId } = await seedCode(assent, { clientId: 'tpp', seconds: day }, clock);
  const { body } = await redeem(code);
  await extend(grantId, 0.01);
  expect(await readAccounts(body.access_token)).toBe(200);
  clock.advance(0.01 * day);
  expect(await readAccounts(body.access_token)).toBe(401);
});

test('a refresh token is given where offline_access was asked for and granted, and not elsewhere', async () => {
  const { code } = await seedCode(assent, { clientId: 'tpp' }, clock);
  const { status, body } = await redeem(code);
  expect(status).toBe(200);
  expect(body).not.toHaveProperty('refresh_token');
});
