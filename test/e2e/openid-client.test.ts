import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { calculateJwkThumbprint, decodeJwt, importJWK } from 'jose';
import * as openid from 'openid-client';
import { Agent, fetch as undiciFetch } from 'undici';
import type { SandboxClientName } from '../../sandbox/tpp-document.js';
import { type OpenBrowser, openBrowser } from './open-browser.js';
import { catchCallback, personAt } from './person.js';
import { type RunningSandbox, startSandbox } from './start-sandbox.js';

let directory: string;
let sandbox: RunningSandbox;
let browser: OpenBrowser;
const agents: Agent[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'assent-e2e-'));
  sandbox = await startSandbox(directory);
  browser = await openBrowser();
});

afterAll(async () => {
  await Promise.all(agents.map((agent) => agent.destroy()));
  await browser?.close();
  await sandbox?.stop();
  await rm(directory, { recursive: true, force: true });
});

/** The client as its own developer would set it up from `tpp.json`. */
async function configure(profile: SandboxClientName): Promise<openid.Configuration> {
  const { ca, issuer } = sandbox.tpp;
  const client = sandbox.client(profile);
  const agent = new Agent({
    connect: {
      ca: await readFile(ca, 'utf8'),
      cert: await readFile(client.certificate, 'utf8'),
      key: await readFile(client.key, 'utf8'),
    },
  });
  agents.push(agent);
  const [jwk] = client.jwks.keys;
  const key = await importJWK(jwk ?? {}, jwk?.alg);
  if (key instanceof Uint8Array) throw new TypeError('a symmetric key');
  const fetch = (url: string, init: object) => undiciFetch(url, { ...init, dispatcher: agent });
  return openid.discovery(
    new URL(issuer),
    client.client_id,
    {
      use_mtls_endpoint_aliases: profile === 'fapi2-security',
      id_token_signed_response_alg: 'ES256',
    },
    openid.PrivateKeyJwt({ key, ...(jwk?.kid && { kid: jwk.kid }) }),
    { [openid.customFetch]: fetch as never },
  );
}

async function visit(config: openid.Configuration, redirectUri: string, dpop?: openid.DPoPHandle) {
  const person = sandbox.person('joint account');
  const pkceCodeVerifier = openid.randomPKCECodeVerifier();
  const expectedState = openid.randomState();
  const url = await openid.buildAuthorizationUrlWithPAR(
    config,
    {
      redirect_uri: redirectUri,
      scope: `openid offline_access id:${person.institution} accounts:read transactions:read:all`,
      prompt: 'consent',
      state: expectedState,
      code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
      claims: JSON.stringify({
        id_token: { sub: { essential: true }, 'mh:con_id': { essential: true } },
      }),
    },
    dpop ? { DPoP: dpop } : undefined,
  );
  const context = await browser.newPerson();
  const page = await context.newPage();
  const callback = await catchCallback(page, redirectUri);
  await page.goto(url.href);
  const { allow, signIn, shareAll } = personAt(page);
  await allow();
  await signIn(person);
  await shareAll();
  const returned = new URL(redirectUri);
  returned.search = new URLSearchParams(await callback()).toString();
  await context.close();
  return { returned, checks: { pkceCodeVerifier, expectedState } };
}

describe('fapi2-security with private_key_jwt and certificate-bound tokens', () => {
  test('connects, reads, refreshes, and the token is worth nothing without its certificate', async () => {
    const config = await configure('fapi2-security');
    const [redirectUri = ''] = sandbox.client('fapi2-security').redirect_uris;
    const { returned, checks } = await visit(config, redirectUri);
    const tokens = await openid.authorizationCodeGrant(config, returned, checks);
    expect(tokens.claims()?.['mh:con_id']).toBeDefined();

    const accounts = new URL(`${sandbox.urls.assentMtls}/v3/accounts`);
    const answer = await openid.fetchProtectedResource(
      config,
      tokens.access_token,
      accounts,
      'GET',
    );
    const { data } = (await answer.json()) as { data: unknown[] };
    expect(data.length).toBeGreaterThan(0);

    const stolen = await sandbox.fetch(`${sandbox.tpp.api}/v3/accounts`, {
      headers: { authorization: `Bearer ${tokens.access_token}` },
    });
    expect(stolen.status).toBe(401);

    const refreshed = await openid.refreshTokenGrant(config, tokens.refresh_token ?? '');
    expect(refreshed.access_token).not.toBe(tokens.access_token);
    expect(refreshed.refresh_token ?? tokens.refresh_token).toBe(tokens.refresh_token);

    await expect(openid.authorizationCodeGrant(config, returned, checks)).rejects.toMatchObject({
      error: 'invalid_grant',
    });
  });
});

describe('fapi2-security with DPoP-bound tokens', () => {
  test('connects and reads with proofs, and not without', async () => {
    const config = await configure('fapi2-security-dpop');
    const [redirectUri = ''] = sandbox.client('fapi2-security-dpop').redirect_uris;
    const keys = await openid.randomDPoPKeyPair();
    const dpop = openid.getDPoPHandle(config, keys);
    const { returned, checks } = await visit(config, redirectUri, dpop);
    const tokens = await openid.authorizationCodeGrant(config, returned, checks, undefined, {
      DPoP: dpop,
    });
    expect(tokens.token_type).toBe('dpop');

    const accounts = new URL(`${sandbox.tpp.api}/v3/accounts`);
    const answer = await openid.fetchProtectedResource(
      config,
      tokens.access_token,
      accounts,
      'GET',
      undefined,
      undefined,
      { DPoP: dpop },
    );
    expect(answer.status).toBe(200);

    const without = await sandbox.fetch(accounts.href, {
      headers: { authorization: `Bearer ${tokens.access_token}` },
    });
    expect(without.status).toBe(401);
    expect(without.headers.get('www-authenticate')).toContain('DPoP');

    const other = openid.getDPoPHandle(config, await openid.randomDPoPKeyPair());
    await expect(
      openid.fetchProtectedResource(
        config,
        tokens.access_token,
        accounts,
        'GET',
        undefined,
        undefined,
        {
          DPoP: other,
        },
      ),
    ).rejects.toThrow();
    expect(decodeJwt(tokens.id_token ?? '').iss).toBe(sandbox.tpp.issuer);
    const thumbprint = await calculateJwkThumbprint(
      (await crypto.subtle.exportKey('jwk', keys.publicKey)) as never,
    );
    expect(thumbprint).toMatch(/^[\w-]{43}$/);
  });
});
