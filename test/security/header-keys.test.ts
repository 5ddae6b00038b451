import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { decodeJwt, type JWTHeaderParameters, SignJWT } from 'jose';
import { systemClock } from '../../core/clock.js';
import {
  type CertificateAuthority,
  openCertificateAuthority,
} from '../../sandbox/certificate-authority.js';
import { type ClientKeys, createClientKeys } from '../support/client-keys.js';
import { startTarget, type Target } from '../support/start-target.js';
import { expectExplained } from './support/expect-explained.js';
import { type RunningRole, roles, startRole } from './support/start-role.js';

/* SEC-34: keys, and ways to keys, in the header of what a client signs. */

let directory: string;
let authority: CertificateAuthority;
/** Serves the attacker's keys, to whoever should ask. */
let target: Target;
const attacker = await createClientKeys();

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'assent-header-keys-'));
  authority = await openCertificateAuthority(directory, systemClock);
  target = await startTarget(await authority.server('attacker'), (response) => {
    response.end(JSON.stringify(attacker.jwks));
  });
});
afterAll(async () => {
  await target?.stop();
  await rm(directory, { recursive: true, force: true });
});

const hostileKids = [
  '../../../../dev/null',
  '/etc/passwd',
  "' OR '1'='1",
  "x'; DROP TABLE client; --",
  '{"$ne":null}',
  '$where: 1',
  'a\r\nset-cookie: x=y',
  '\0',
  '__proto__',
  'constructor',
  'https://evil.example/jwks',
  'k'.repeat(20_000),
] as const;

describe.each(roles)('%s', (role) => {
  let assent: RunningRole;
  beforeAll(async () => {
    assent = await startRole(role, [], {
      // So that nothing but the rule keeps the server from going there.
      outgoing: {
        allow: [`localhost:${target.port}`],
        certificateAuthorities: [authority.certificate],
      },
    });
  });
  afterAll(() => assent?.stop());

  type Header = Readonly<Record<string, unknown>>;

  /** What the client would send, signed by these keys under that header. */
  async function sign(token: string, keys: ClientKeys, header: Header): Promise<string> {
    const all: JWTHeaderParameters = { alg: 'ES256', ...header };
    return new SignJWT(decodeJwt(token)).setProtectedHeader(all).sign(keys.privateKey);
  }

  const kinds = {
    'client assertion': async (keys: ClientKeys, header: Header) => {
      const form = await assent.tpp.authentication();
      if (!('client_assertion' in form)) throw new TypeError('no assertion');
      const client_assertion = await sign(form.client_assertion, keys, header);
      const request = await assent.tpp.request();
      return assent.tpp.post('/oidc/request', { ...form, ...request, client_assertion });
    },
    'request object': async (keys: ClientKeys, header: Header) => {
      const { scope = '', claims } = await assent.tpp.request();
      const object = await assent.tpp.requestObject({
        scope,
        ...(claims !== undefined && { claims: JSON.parse(claims) }),
      });
      return assent.tpp.push({ request: await sign(object, keys, header) });
    },
  };
  const refusals = {
    'client assertion': { status: 401, body: { error: 'invalid_client' } },
    'request object': { status: 400, body: { error: 'invalid_request_object' } },
  };

  describe.each(['client assertion', 'request object'] as const)('in a %s', (kind) => {
    const send = kinds[kind];

    async function waysToKeys(): Promise<Readonly<Record<string, Header>>> {
      const url = `https://localhost:${target.port}/jwks`;
      const { certificate } = await authority.client('attacker');
      const x5c = [new X509Certificate(await readFile(certificate)).raw.toString('base64')];
      return {
        jwk: { jwk: attacker.publicJwk },
        jku: { jku: url },
        x5u: { x5u: url },
        x5c: { x5c },
      };
    }

    test('SEC-34: a key of the sender’s own is refused, however it is brought', async () => {
      const { kid } = assent.clientKeys.publicJwk;
      for (const [name, header] of Object.entries(await waysToKeys())) {
        for (const own of [{}, { kid }, { kid: attacker.publicJwk.kid }]) {
          const refused = await send(attacker, { ...header, ...own });
          expect({ name, ...refused }).toMatchObject({ name, ...refusals[kind] });
          await expectExplained(assent, refused, { clientId: 'tpp' });
        }
      }
      expect(target.received).toEqual([]);
    });

    test('SEC-34: beside the right key none of them means anything, and nobody goes there', async () => {
      const { kid } = assent.clientKeys.publicJwk;
      for (const [name, header] of Object.entries(await waysToKeys())) {
        const answer = await send(assent.clientKeys, { kid, ...header });
        expect({ name, ...answer }).toMatchObject({ name, status: 201 });
      }
      expect(target.received).toEqual([]);
    });

    test('SEC-34: a kid is looked up among the client’s keys and nowhere else', async () => {
      for (const kid of hostileKids) {
        const refused = await send(assent.clientKeys, { kid });
        expect({ kid, ...refused }).toMatchObject({ kid, ...refusals[kind] });
        expect(refused.headers.get('set-cookie')).toBeNull();
      }
      const megabyte = await send(assent.clientKeys, { kid: 'k'.repeat(1_000_000) });
      expect(megabyte).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
      expect((await send(assent.clientKeys, {})).status).toBe(201);
    });
  });

  test('SEC-34: in a DPoP proof only jwk is read', async () => {
    const { tpp } = assent;
    const form = { grant_type: 'client_credentials' };
    const url = `https://localhost:${target.port}/jwks`;
    const prove = async (header: Header) => ({
      DPoP: await tpp.key.proof(
        'POST',
        `${assent.issuer}/token`,
        { iat: assent.seconds() },
        header,
      ),
    });
    for (const header of [
      { jku: url },
      { x5u: url },
      { kid: hostileKids[0] },
      { kid: hostileKids[4] },
    ]) {
      expect((await tpp.token(form, await prove(header))).status).toBe(200);
      expect(await tpp.token(form, await prove({ ...header, jwk: undefined }))).toMatchObject({
        status: 400,
        body: { error: 'invalid_dpop_proof' },
      });
    }
    const giant = await prove({ kid: 'k'.repeat(1_000_000) });
    const answer = await assent.fetch('/oidc/token', { method: 'POST', headers: giant });
    expect(answer.status).toBe(431);
    expect(target.received).toEqual([]);
  });
});
