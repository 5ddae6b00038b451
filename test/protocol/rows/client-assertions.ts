import { expect } from '@jest/globals';
import type { JWTPayload } from 'jose';
import { seededRedirectUri } from '../../support/seed-code.js';
import type { Driver, Pair } from '../support/driver.js';

type Claims = (client: Driver, other: Driver) => JWTPayload;

/** At the token endpoint; who did not authenticate has used up nothing. */
export const refusedAtToken =
  (claims: Claims) =>
  async ({ first, second }: Pair) => {
    const code = await first.codeFor();
    const { status, body } = await first.redeem(code, { assertion: claims(first, second) });
    expect([400, 401]).toContain(status);
    expect(String(body.error)).toMatch(/^invalid_(client|request)$/);
    expect((await first.redeem(code)).status).toBe(200);
  };

/** Where requests are pushed. */
export const refusedAtPush =
  (claims: Claims) =>
  async ({ first, second }: Pair) => {
    const sent = await first.send({}, { assertion: claims(first, second) });
    expect(await first.refusalOf(sent)).toMatch(/^invalid_(client|request)$/);
  };

export const acceptedAtPush =
  (claims: Claims) =>
  async ({ first, second }: Pair) => {
    await first.mustSend({}, { assertion: claims(first, second) });
  };

export const acceptedAtToken =
  (claims: Claims) =>
  async ({ first, second }: Pair) => {
    const { status } = await first.redeem(await first.codeFor(), {
      assertion: claims(first, second),
    });
    expect(status).toBe(200);
  };

export async function signedWithRs256({ first }: Pair) {
  const weak = first.disguise({ keys: first.weakKeys });
  const form = {
    grant_type: 'authorization_code',
    code: await first.codeFor(),
    redirect_uri: seededRedirectUri,
  };
  const proof = first.usesDpop ? await first.proof(first.tokenUrl) : {};
  expect(await weak.token(form, proof)).toMatchObject({
    status: 401,
    body: { error: 'invalid_client' },
  });
}

export async function missing({ first }: Pair) {
  const form = {
    grant_type: 'authorization_code',
    code: await first.codeFor(),
    redirect_uri: seededRedirectUri,
    client_id: first.clientId,
  };
  const proof = first.usesDpop ? await first.proof(first.tokenUrl) : {};
  const { status, body } = await first.client.post('/oidc/token', form, proof);
  expect([400, 401]).toContain(status);
  expect(String(body.error)).toMatch(/^invalid_(client|request)$/);
}

const issuer = ({ bank }: Driver) => bank.issuer;

export const claims = {
  expired: ({ bank }: Driver) => ({ exp: bank.now() - 300, iat: bank.now() - 360 }),
  forSomebodyElse: () => ({ aud: 'https://other.example/token' }),
  withoutSubject: () => ({ sub: undefined }) as unknown as JWTPayload,
  ofAnotherIssuer: (_client: Driver, other: Driver) => ({ iss: other.clientId }),
  ofAnotherSubject: (_client: Driver, other: Driver) => ({ sub: other.clientId }),
  aheadBy:
    (seconds: number) =>
    ({ bank }: Driver) => ({ nbf: bank.now() + seconds }),
  forIssuer: (client: Driver) => ({ aud: issuer(client) }),
  forList: (client: Driver) => ({ aud: [issuer(client), 'https://other.example'] }),
  forPushEndpoint: (client: Driver) => ({ aud: `${issuer(client)}/request` }),
  forTokenEndpoint: (client: Driver) => ({ aud: `${issuer(client)}/token` }),
};
