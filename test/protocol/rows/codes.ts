import { expect } from '@jest/globals';
import { createFapiClient, verifier } from '../../support/fapi-client.js';
import { seededRedirectUri } from '../../support/seed-code.js';
import type { Pair } from '../support/driver.js';

const grant = (code: string) => ({
  grant_type: 'authorization_code',
  code,
  redirect_uri: seededRedirectUri,
  code_verifier: verifier,
});

/** The other client's name, with what this one authenticates by. */
export async function underAnotherName({ first, second }: Pair) {
  const code = await first.codeFor();
  const { status } = await first.redeem(code, { form: { client_id: second.clientId } });
  expect([400, 401]).toContain(status);
  expect((await first.redeem(code)).status).toBe(200);
}

export async function ofAnotherClient({ first, second }: Pair) {
  const code = await first.codeFor();
  expect(await second.redeem(code)).toMatchObject({
    status: 400,
    body: { error: 'invalid_grant' },
  });
}

/** No token without what it is bound to. */
export async function withoutHolderOfKey({ first }: Pair) {
  const { bank, clientId, keys, usesDpop, variant } = first;
  const code = await first.codeFor();
  if (usesDpop) {
    expect((await first.client.token(grant(code))).status).toBe(400);
    return;
  }
  const bare = createFapiClient(bank, clientId, keys, {
    now: bank.now,
    certificateOnly: variant.authentication === 'mtls',
    fetch: bank.fetch,
  });
  const { status, body } = await bare.token(grant(code));
  expect([400, 401]).toContain(status);
  expect(String(body.error)).toMatch(/^invalid_/);
}

export async function usedTwice({ first }: Pair) {
  const code = await first.codeFor();
  const { body } = await first.redeem(code);
  expect((await first.read(body.access_token)).status).toBe(200);
  first.bank.clock.advance(1);
  expect(await first.redeem(code)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  expect((await first.read(body.access_token)).status).toBe(401);
}

export async function expired({ first }: Pair) {
  const code = await first.codeFor();
  first.bank.clock.advance(62);
  expect(await first.redeem(code)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
}

export async function withoutVerifier({ first }: Pair) {
  const { status, body } = await first.redeem(await first.codeFor(), {
    form: { code_verifier: '' },
  });
  expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_grant' });
}

export async function withAnotherVerifier({ first }: Pair) {
  const code_verifier = 'another-verifier-that-is-long-enough-for-the-rule';
  const { status, body } = await first.redeem(await first.codeFor(), { form: { code_verifier } });
  expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_grant' });
}

/** Refreshed by its client, with proof; a retry half a minute later works, whatever was lost. */
export async function refreshed({ first, second }: Pair) {
  const { refresh_token } = await first.tokens();
  expect(refresh_token).toBeDefined();
  expect((await second.refresh(refresh_token)).body.error).toBe('invalid_grant');
  const form = { grant_type: 'refresh_token', refresh_token: String(refresh_token) };
  const bare = createFapiClient(first.bank, first.clientId, first.keys, { now: first.bank.now });
  const unauthenticated = await bare.post('/oidc/token', { ...form, client_id: first.clientId });
  expect(unauthenticated.status).toBe(401);
  if (first.usesDpop) expect((await first.client.token(form)).status).toBe(400);
  else {
    const withoutCertificate = await bare.token(form);
    expect([400, 401]).toContain(withoutCertificate.status);
  }
  const { status, body } = await first.refresh(refresh_token);
  expect(status).toBe(200);
  expect((await first.read(body.access_token)).status).toBe(200);
  first.bank.clock.advance(30);
  expect((await first.refresh(refresh_token)).status).toBe(200);
}
