import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { systemClock } from '../../core/clock.js';
import { openCertificateAuthority } from '../../sandbox/certificate-authority.js';
import { type ClientKeys, createClientKeys } from '../support/client-keys.js';
import { type RunningAssent, startAssent } from '../support/start-assent.js';
import { startTarget, type Target } from '../support/start-target.js';

let directory: string;
let target: Target;
let guarded: RunningAssent;
let allowing: RunningAssent;
let keys: ClientKeys;

beforeAll(async () => {
  keys = await createClientKeys();
  directory = await mkdtemp(join(tmpdir(), 'assent-addresses-'));
  const authority = await openCertificateAuthority(directory, systemClock);
  target = await startTarget(await authority.server('target'), (response, { url }) => {
    if (url === '/keys') response.end(JSON.stringify(keys.jwks));
    else if (url === '/crowded') response.end(JSON.stringify(crowd(keys)));
    else if (url === '/moved') response.writeHead(302, { location: '/keys' }).end();
    else response.end(`{"keys":[],"filling":"${'x'.repeat(100_000)}"}`);
  });
  const clients = ['keys', 'moved', 'huge', 'crowded'].map((name) => ({
    client_id: name,
    profile: 'fapi2-security',
    token_endpoint_auth_method: 'private_key_jwt',
    dpop_bound_access_tokens: true,
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
    jwks_uri: `https://localhost:${target.port}/${name}`,
  }));
  const certificateAuthorities = [authority.certificate];
  guarded = await startAssent({ clients, outgoing: { certificateAuthorities } });
  const allow = [`localhost:${target.port}`];
  allowing = await startAssent({ clients, outgoing: { allow, certificateAuthorities } });
});
beforeEach(() => {
  target.received.length = 0;
});
afterAll(async () => {
  await guarded.stop();
  await allowing.stop();
  await target.stop();
  await rm(directory, { recursive: true });
});

/** More keys than are looked at, the client's own among them. */
function crowd({ publicJwk }: ClientKeys) {
  const others = Array.from({ length: 100 }, (_, count) => ({ ...publicJwk, kid: `key-${count}` }));
  return { keys: [publicJwk, ...others] };
}

/** Introspection asks for the client's authentication and nothing else. */
async function authenticate(assent: RunningAssent, clientId: string) {
  const form = { token: 'none', ...(await keys.assertion(clientId, assent.issuer)) };
  const response = await assent.fetch('/oidc/token/introspection', {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(form).toString(),
  });
  return { status: response.status, text: await response.text() };
}

test('keys are read from a jwks_uri that the operator allows', async () => {
  expect(await authenticate(allowing, 'keys')).toMatchObject({ status: 200 });
  expect(target.received).toMatchObject([{ method: 'GET', url: '/keys' }]);
});

test('a jwks_uri inside of the network is not connected to, and nothing of it is told', async () => {
  const before = target.connections();
  const { status, text } = await authenticate(guarded, 'keys');
  expect(status).toBeGreaterThanOrEqual(400);
  expect(status).toBeLessThan(500);
  expect(text).not.toMatch(/localhost|127\.0\.0\.1|::1/);
  expect(target.connections()).toBe(before);
});

test.each(['moved', 'huge', 'crowded'])('a jwks_uri that is %s gives no keys', async (name) => {
  const { status } = await authenticate(allowing, name);
  expect(status).toBeGreaterThanOrEqual(400);
  expect(status).toBeLessThan(500);
  expect(target.received.map(({ url }) => url)).toEqual([`/${name}`]);
});
