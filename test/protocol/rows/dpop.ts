import { createHash, randomUUID } from 'node:crypto';
import { expect } from '@jest/globals';
import { type CryptoKey, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { createDpopKey } from '../../support/fapi-client.js';
import type { Driver, Pair, Parameters } from '../support/driver.js';

/** Proofs made some seconds from now, at PAR, at the token endpoint and at the resource. */
export const madeBefore =
  (offset: number) =>
  async ({ first }: Pair) => {
    const claims = () => ({ iat: first.bank.now() + offset });
    const headers = await first.proof(first.pushUrl, claims());
    const { answer } = await first.visit({}, { headers });
    const { status, body } = await first.redeem(answer.code, { proof: claims() });
    expect(status).toBe(200);
    expect((await first.read(body.access_token, { proof: claims() })).status).toBe(200);
  };

/** `exp` and `nbf` mean nothing in a proof, or what they say. */
export async function withNbfAndExp({ first }: Pair) {
  const now = first.bank.now();
  const { access_token } = await first.tokens({}, { proof: { nbf: now, exp: now + 300 } });
  const good = await first.read(access_token, { proof: { nbf: now - 10, exp: now + 60 } });
  expect(good.status).toBe(200);
}

export async function mismatchAtPush({ first }: Pair) {
  const thief = await createDpopKey();
  const sent = await first.send(
    { dpop_jkt: thief.thumbprint },
    { headers: await first.proof(first.pushUrl) },
  );
  expect(await first.refusalOf(sent)).toMatch(/^invalid_(request|dpop_proof)/);
}

const boundTo =
  (
    bind: (client: Driver) => Promise<readonly [Parameters, Record<string, string>]>,
    stolen: boolean,
  ) =>
  async ({ first }: Pair) => {
    const [changes, headers] = await bind(first);
    const { answer } = await first.visit(changes, { headers });
    const key = stolen ? { dpop: await createDpopKey() } : {};
    const { status, body } = await first.redeem(answer.code, key);
    if (!stolen) expect(status).toBe(200);
    else
      expect({ status, error: body.error }).toMatchObject({
        status: 400,
        error: /^invalid_(grant|dpop_proof)$/,
      });
  };

const byProof = async (client: Driver) => [{}, await client.proof(client.pushUrl)] as const;
const byThumbprint = async ({ dpop }: Driver) => [{ dpop_jkt: dpop.thumbprint }, {}] as const;

export const bound = {
  byProof: boundTo(byProof, false),
  byThumbprint: boundTo(byThumbprint, false),
  byProofStolen: boundTo(byProof, true),
  byThumbprintStolen: boundTo(byThumbprint, true),
};

/** One call of the resource, wrong in one way, or in none. */
interface Call {
  readonly header?: Readonly<Record<string, unknown>>;
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly scheme?: string;
  /** In place of the proof. */
  readonly raw?: string | undefined;
  readonly twice?: boolean;
  readonly signer?: CryptoKey;
  readonly url?: string;
}

/** The calls of the plan's negative tests, and the right ones among them. */
export async function wrongProofs({ first }: Pair) {
  const { bank, dpop, resource } = first;
  const { access_token } = await first.tokens();
  const token = String(access_token);
  const own = dpop.privateKey;
  const stranger = await generateKeyPair('ES256', { extractable: true });
  const rsa = await generateKeyPair('RS256', { extractable: true });
  const now = bank.now();
  const ath = (text: string) => createHash('sha256').update(text).digest('base64url');

  async function call(how: Call): Promise<number> {
    const { header, claims, scheme = 'DPoP', signer = own, url = resource } = how;
    const payload = {
      htm: 'GET',
      htu: resource,
      iat: now,
      jti: randomUUID(),
      ath: ath(token),
      ...claims,
    };
    const protectedHeader = { alg: 'ES256', typ: 'dpop+jwt', jwk: dpop.publicJwk, ...header };
    const proof =
      'raw' in how
        ? how.raw
        : await new SignJWT(JSON.parse(JSON.stringify(payload)) as JWTPayload)
            .setProtectedHeader(JSON.parse(JSON.stringify(protectedHeader)))
            .sign(signer);
    const headers = {
      authorization: `${scheme} ${token}`,
      ...(proof !== undefined && { DPoP: proof }),
    };
    const answer = await first.fetch(url, {
      headers: how.twice ? [...Object.entries(headers), ['DPoP', proof ?? '']] : headers,
    });
    await answer.arrayBuffer();
    return answer.status;
  }

  const { host, pathname } = new URL(resource);
  const right: Readonly<Record<string, Call>> = {
    'as it should be': {},
    'htu in capitals': { claims: { htu: `HTTPS://${host.toUpperCase()}${pathname}` } },
    'htu with dots': { claims: { htu: `https://${host}/x/..${pathname}` } },
    'htu escaped needlessly': { claims: { htu: resource.replace('accounts', '%61ccounts') } },
    'htu without the query of the call': { url: `${resource}?a=b` },
    'another order and more in the header': { header: { kid: 'mine' } },
    'another scheme case': { scheme: 'dpop' },
  };
  const wrong: Readonly<Record<string, Call>> = {
    'no proof': { raw: undefined },
    'an empty proof': { raw: '' },
    'two proofs': { twice: true },
    'no JWT': { raw: 'not-a-jwt' },
    'three parts that are none': { raw: 'a.b.c' },
    'no typ': { header: { typ: undefined } },
    'another typ': { header: { typ: 'JWT' } },
    'no jwk': { header: { jwk: undefined } },
    'an empty jwk': { header: { jwk: {} } },
    'a private jwk': { header: { jwk: dpop.privateJwk } },
    'a symmetric jwk': { header: { jwk: { kty: 'oct', k: 'AAAA' } } },
    'no htm': { claims: { htm: undefined } },
    'another htm': { claims: { htm: 'POST' } },
    'no htu': { claims: { htu: undefined } },
    'another htu': { claims: { htu: 'https://other.example/accounts' } },
    'another path': { claims: { htu: `${resource}/more` } },
    'another port': { claims: { htu: `https://localhost:1${pathname}` } },
    http: { claims: { htu: resource.replace('https:', 'http:') } },
    'no iat': { claims: { iat: undefined } },
    'an iat that is text': { claims: { iat: String(now) } },
    'an hour old': { claims: { iat: now - 3600 } },
    'an hour ahead': { claims: { iat: now + 3600 } },
    'no jti': { claims: { jti: undefined } },
    'a jti that is a number': { claims: { jti: 17 } },
    'no ath': { claims: { ath: undefined } },
    'an empty ath': { claims: { ath: '' } },
    'of another token': { claims: { ath: ath('another') } },
    'of the token in hexadecimal': {
      claims: { ath: createHash('sha256').update(token).digest('hex') },
    },
    'another key, and its own': {
      signer: stranger.privateKey,
      header: { jwk: await exportJWK(stranger.publicKey) },
    },
    'another key, under ours': { signer: stranger.privateKey },
    RS256: {
      signer: rsa.privateKey,
      header: { alg: 'RS256', jwk: await exportJWK(rsa.publicKey) },
    },
    'a Bearer token': { scheme: 'Bearer' },
    'a Bearer token without proof': { scheme: 'Bearer', raw: undefined },
    'another scheme': { scheme: 'Basic' },
  };
  const unsecured = await dpop.proof('GET', resource, { iat: now, ath: ath(token) });
  const [, payload = ''] = unsecured.split('.');
  const noneHeader = Buffer.from(
    JSON.stringify({ alg: 'none', typ: 'dpop+jwt', jwk: dpop.publicJwk }),
  ).toString('base64url');
  const once = await dpop.proof('GET', resource, { iat: now, ath: ath(token) });

  const seen: Record<string, number> = {};
  for (const [name, how] of Object.entries({ ...right, ...wrong })) seen[name] = await call(how);
  seen['alg none'] = await call({ raw: `${noneHeader}.${payload}.` });
  seen['a broken signature'] = await call({ raw: `${unsecured.slice(0, -6)}AAAAAA` });
  const replayed = [await call({ raw: once }), await call({ raw: once })];

  const expected = Object.fromEntries(
    Object.keys(seen).map((name) => [name, name in right ? 200 : expect.any(Number)]),
  );
  expect(seen).toEqual(expected);
  const tooKind = Object.entries(seen).filter(
    ([name, status]) => !(name in right) && status !== 400 && status !== 401,
  );
  expect(tooKind).toEqual([]);
  expect(replayed).toEqual([200, 401]);
}
