import { createHash, createSecretKey, randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type JWTHeaderParameters, SignJWT } from 'jose';
import { createDpopKey } from '../support/fapi-client.js';
import { expectExplained } from './support/expect-explained.js';
import { type RunningRole, roles, startRole } from './support/start-role.js';

/* DPoP proofs at the token endpoint, at PAR and at the API, in both roles (SEC-27, SEC-28). */

const paths = { 'identity-service': '/users', bank: '/open-banking/v3.1/aisp/accounts' };

describe.each(roles)('%s', (role) => {
  let assent: RunningRole;
  let token: string;
  let api: string;
  beforeAll(async () => {
    assent = await startRole(role);
    api = `${assent.configuration.publicUrl}${paths[role]}`;
    const scope = role === 'bank' ? {} : { scope: 'user:read' };
    const { body } =
      role === 'bank'
        ? { body: await assent.tpp.connectPerson() }
        : await assent.tpp.token(
            { grant_type: 'client_credentials', ...scope },
            await assent.prove(assent.tpp.key),
          );
    token = String(body.access_token);
  });
  afterAll(() => assent?.stop());

  const claimsFor = (method: string, url: string, withToken: boolean) => ({
    htm: method,
    htu: url,
    iat: assent.seconds(),
    jti: randomUUID(),
    ...(withToken && { ath: createHash('sha256').update(token).digest('base64url') }),
  });

  type Claims = ReturnType<typeof claimsFor>;
  type Forge = (claims: Claims) => Promise<string>;

  async function sign(
    claims: Readonly<Record<string, unknown>>,
    header: Readonly<Record<string, unknown>> = {},
    key: CryptoKey = assent.tpp.key.privateKey,
  ): Promise<string> {
    const all: JWTHeaderParameters = {
      alg: 'ES256',
      typ: 'dpop+jwt',
      jwk: assent.tpp.key.publicJwk,
      ...header,
    };
    return new SignJWT(claims).setProtectedHeader(all).sign(key);
  }

  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

  /** The three places that read proofs, each as its rightful caller asks. */
  const places = {
    async token(forge: Forge) {
      const form = { grant_type: 'client_credentials' };
      const DPoP = await forge(claimsFor('POST', `${assent.issuer}/token`, false));
      return assent.tpp.token(form, { DPoP });
    },
    async 'pushed request'(forge: Forge) {
      const DPoP = await forge(claimsFor('POST', `${assent.issuer}/request`, false));
      return assent.tpp.push(await assent.tpp.request(), {}, { DPoP });
    },
    async API(forge: Forge) {
      const DPoP = await forge(claimsFor('GET', api, true));
      const answer = await assent.fetch(api, { headers: { authorization: `DPoP ${token}`, DPoP } });
      await answer.arrayBuffer();
      return { status: answer.status, headers: answer.headers };
    },
  };

  const attacks: Readonly<Record<string, Forge>> = {
    'another method': (claims) => sign({ ...claims, htm: 'PUT' }),
    'the method in small letters': (claims) => sign({ ...claims, htm: claims.htm.toLowerCase() }),
    'no method': (claims) => sign({ ...claims, htm: undefined }),
    'another path': (claims) => sign({ ...claims, htu: `${claims.htu}/x` }),
    'another host': (claims) =>
      sign({ ...claims, htu: claims.htu.replace('localhost', 'evil.example') }),
    'another scheme': (claims) => sign({ ...claims, htu: claims.htu.replace('https', 'http') }),
    'no address': (claims) => sign({ ...claims, htu: undefined }),
    'an iat of two minutes ago': (claims) => sign({ ...claims, iat: claims.iat - 120 }),
    'an iat of an hour ago': (claims) => sign({ ...claims, iat: claims.iat - 3600 }),
    'an iat in two minutes': (claims) => sign({ ...claims, iat: claims.iat + 120 }),
    'an iat in an hour': (claims) => sign({ ...claims, iat: claims.iat + 3600 }),
    'no iat': (claims) => sign({ ...claims, iat: undefined }),
    'no jti': (claims) => sign({ ...claims, jti: undefined }),
    'another type': (claims) => sign(claims, { typ: 'JWT' }),
    'no type': (claims) => sign(claims, { typ: undefined }),
    'its private key': (claims) => sign(claims, { jwk: assent.tpp.key.privateJwk }),
    'a signature of another key': async (claims) =>
      sign(claims, {}, (await createDpopKey()).privateKey),
    'a changed claim': async (claims) => {
      const [head, , signature] = (await sign({ ...claims, jti: randomUUID() })).split('.');
      return `${head}.${encode(claims)}.${signature}`;
    },
    'no signature': async (claims) => {
      const head = { alg: 'none', typ: 'dpop+jwt', jwk: assent.tpp.key.publicJwk };
      return `${encode(head)}.${encode(claims)}.`;
    },
    'a shared secret': async (claims) => {
      const secret = randomBytes(32);
      const jwk = { kty: 'oct', k: secret.toString('base64url') };
      return new SignJWT(claims)
        .setProtectedHeader({ alg: 'HS256', typ: 'dpop+jwt', jwk } as JWTHeaderParameters)
        .sign(createSecretKey(secret));
    },
    'two proofs in one': async (claims) =>
      `${await sign(claims)}, ${await sign({ ...claims, jti: randomUUID() })}`,
  };

  test.each(['token', 'pushed request', 'API'] as const)(
    'SEC-28: a proof that is not quite right is refused at the %s',
    async (place) => {
      expect((await places[place]((claims) => sign(claims))).status).toBeLessThan(300);
      for (const [name, forge] of Object.entries(attacks)) {
        const refused = await places[place](forge);
        if (place === 'API') {
          expect({ name, status: refused.status }).toEqual({ name, status: 401 });
          expect(refused.headers.get('www-authenticate')).toContain('error="invalid_dpop_proof"');
        } else {
          expect({ name, ...refused }).toMatchObject({
            name,
            status: 400,
            body: { error: 'invalid_dpop_proof' },
          });
        }
      }
    },
  );

  test('SEC-28: at the API a proof is for the token beside it', async () => {
    for (const ath of [undefined, createHash('sha256').update('another').digest('base64url'), '']) {
      const refused = await places.API((claims) => sign({ ...claims, ath }));
      expect(refused.status).toBe(401);
      expect(refused.headers.get('www-authenticate')).toContain('error="invalid_dpop_proof"');
    }
  });

  test('SEC-28: a refused proof is written down', async () => {
    const refused = await places.token((claims) => sign({ ...claims, htm: 'PUT' }));
    await expectExplained(assent, refused, { clientId: 'tpp', error: 'invalid_dpop_proof' });
  });

  test.each(['token', 'API'] as const)(
    'SEC-27: one proof counts once of 20 at the same moment at the %s',
    async (place) => {
      const proof = await sign(
        place === 'API'
          ? claimsFor('GET', api, true)
          : claimsFor('POST', `${assent.issuer}/token`, false),
      );
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => places[place](async () => proof)),
      );
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
      const refused = new Set(answers.map(({ status }) => status));
      expect(refused).toEqual(new Set([200, place === 'API' ? 401 : 400]));
    },
  );

  test('SEC-27: the jti of one key uses up nobody else’s', async () => {
    const { rival, tpp } = assent;
    const jti = randomUUID();
    const form = { grant_type: 'client_credentials' };
    const proofOf = (client: typeof tpp) =>
      client.key.header('POST', `${assent.issuer}/token`, { jti, iat: assent.seconds() });
    expect((await tpp.token(form, await proofOf(tpp))).status).toBe(200);
    expect((await rival.token(form, await proofOf(rival))).status).toBe(200);
    expect((await tpp.token(form, await proofOf(tpp))).status).toBe(400);
  });
});
