import { expect } from '@jest/globals';
import { UnsecuredJWT } from 'jose';
import { createFapiClient } from '../../support/fapi-client.js';
import { seededRedirectUri } from '../../support/seed-code.js';
import { type Driver, type Pair, type Parameters, toForm } from '../support/driver.js';

type Claims = (client: Driver) => Parameters;

/** What stands beside the object is no help to what is missing inside. */
const beside = { nonce: 'the-nonce', redirect_uri: seededRedirectUri, scope: 'openid accounts' };

export const accepted =
  (claims: Claims) =>
  async ({ first }: Pair) => {
    const { answer } = await first.visit(claims(first));
    expect(answer.code).toBeDefined();
  };

export const refused =
  (claims: Claims) =>
  async ({ first }: Pair) => {
    const sent = await first.send(claims(first), { beside });
    expect(await first.refusalOf(sent)).toMatch(/^(invalid_|request_)/);
  };

export const signedBy = (keysOf: (pair: Pair) => Driver['keys']) => async (pair: Pair) => {
  const { first } = pair;
  const { bank, clientId } = first;
  const signer = createFapiClient(bank, clientId, keysOf(pair), { now: bank.now });
  const request = await signer.requestObject({ ...(await first.parameters()) });
  expect(await first.refusalOf(await first.send({}, { request }))).toMatch(/^invalid_request/);
};

export async function signedByNobody({ first }: Pair) {
  const { bank, clientId } = first;
  const now = bank.now();
  const claims = { ...(await first.parameters()), client_id: clientId, iss: clientId };
  const times = { aud: bank.issuer, nbf: now, exp: now + 300 };
  const request = new UnsecuredJWT(JSON.parse(JSON.stringify({ ...claims, ...times }))).encode();
  expect(await first.refusalOf(await first.send({}, { request }))).toMatch(/^invalid_request/);
}

export async function brokenSignature({ first }: Pair) {
  const good = await first.client.requestObject(await first.parameters());
  const request = `${good.slice(0, -8)}AAAAAAAA`;
  expect(await first.refusalOf(await first.send({}, { request }))).toMatch(/^invalid_request/);
}

export async function unsigned({ first }: Pair) {
  const { status, body } = await first.client.push(toForm(await first.parameters()));
  expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_request' });
}

const ahead = (client: Driver, seconds: number) => client.bank.now() + seconds;

export const claims = {
  severalAudiences: ({ bank }: Driver) => ({ aud: ['https://other.example', bank.issuer] }),
  nbfAhead: (client: Driver) => ({ nbf: ahead(client, 8), exp: ahead(client, 308) }),
  without: (name: string) => () => ({ [name]: undefined }),
  expired: (client: Driver) => ({ nbf: ahead(client, -600), exp: ahead(client, -300) }),
  forAnotherServer: () => ({ aud: 'https://other.example' }),
  forPushEndpoint: ({ bank }: Driver) => ({ aud: `${bank.issuer}/request` }),
  livingOverAnHour: (client: Driver) => ({ exp: ahead(client, 70 * 60) }),
  madeOverAnHourAgo: (client: Driver) => ({ nbf: ahead(client, -70 * 60), exp: ahead(client, 60) }),
  livingOverTenMinutes: (client: Driver) => ({ exp: ahead(client, 15 * 60) }),
  madeOverTenMinutesAgo: (client: Driver) => ({
    nbf: ahead(client, -15 * 60),
    exp: ahead(client, 60),
  }),
  withRequestUri: () => ({ request_uri: 'urn:ietf:params:oauth:request_uri:x' }),
};
