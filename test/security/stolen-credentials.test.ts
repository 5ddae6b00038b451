import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createClientKeys } from '../support/client-keys.js';
import { createDpopKey, readReturn } from '../support/fapi-client.js';
import { expectExplained } from './support/expect-explained.js';
import { type RunningRole, roles, startRole } from './support/start-role.js';

/* Codes and tokens in the hands of somebody else, in both roles (SEC-02, 04, 05, 25, 29). */

const invalidGrant = { status: 400, body: { error: 'invalid_grant' } };

describe.each(roles)('%s', (role) => {
  let assent: RunningRole;
  beforeAll(async () => {
    assent = await startRole(role);
  });
  afterAll(() => assent?.stop());

  describe('SEC-02: a stolen code', () => {
    test('is refused with another verifier, to another client and by another key, and stays good', async () => {
      const { tpp, rival } = assent;
      const code = await tpp.codeFor({ dpop_jkt: tpp.key.thumbprint });
      const code_verifier = randomBytes(32).toString('base64url');
      const thief = await createDpopKey();
      for (const attempt of [
        await tpp.redeem(code, { code_verifier }),
        await tpp.redeem(code, { code_verifier: '' }),
        await rival.redeem(code),
        await rival.redeem(code, { code_verifier }),
        await tpp.redeem(code, {}, thief),
        await rival.redeem(code, {}, tpp.key),
      ]) {
        expect(attempt).toMatchObject(invalidGrant);
        await expectExplained(assent, attempt, { error: 'invalid_grant', endpoint: 'token' });
      }
      expect((await tpp.redeem(code)).status).toBe(200);
    });
  });

  describe('SEC-04: a code used before', () => {
    test.each([0, 1, 30])('%i seconds ago ends what it gave', async (later) => {
      const { tpp } = assent;
      const code = await tpp.codeFor();
      const { body } = await tpp.redeem(code);
      expect((await tpp.call(body.access_token)).status).toBe(200);
      assent.clock.advance(later);
      const replay = await tpp.redeem(code);
      expect(replay).toMatchObject(invalidGrant);
      await expectExplained(assent, replay, { clientId: 'tpp', error: 'invalid_grant' });
      expect((await tpp.call(body.access_token)).status).toBe(401);
      expect(await tpp.refresh(body.refresh_token)).toMatchObject(invalidGrant);
    });

    test('counts once of 50 at the same moment', async () => {
      const { tpp } = assent;
      const code = await tpp.codeFor();
      const answers = await Promise.all(Array.from({ length: 50 }, () => tpp.redeem(code)));
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
      for (const answer of answers.filter(({ status }) => status !== 200)) {
        expect(answer).toMatchObject(invalidGrant);
      }
    });
  });

  describe('SEC-05: a code of a FAPI client', () => {
    test('works after 59 seconds, and not after 61', async () => {
      const { tpp, clock } = assent;
      const [early, late] = [await tpp.codeFor(), await tpp.codeFor()];
      clock.advance(59);
      expect((await tpp.redeem(early)).status).toBe(200);
      clock.advance(2);
      const refused = await tpp.redeem(late);
      expect(refused).toMatchObject(invalidGrant);
      await expectExplained(assent, refused, { clientId: 'tpp', error: 'invalid_grant' });
    });
  });

  describe('SEC-25: a refresh token, which is not rotated,', () => {
    test('gives its client the same answer again, also many at once', async () => {
      const { tpp } = assent;
      const { refresh_token } = await tpp.connectPerson();
      const answers = await Promise.all(
        Array.from({ length: 10 }, () => tpp.refresh(refresh_token)),
      );
      for (const { status, body } of answers) {
        expect({ status, refresh_token: body.refresh_token }).toEqual({
          status: 200,
          refresh_token,
        });
        expect((await tpp.call(body.access_token)).status).toBe(200);
      }
    });

    test('is of no use to another client, with another client’s key, or without one', async () => {
      const { tpp, rival } = assent;
      const { refresh_token } = await tpp.connectPerson();
      const form = { grant_type: 'refresh_token', refresh_token: String(refresh_token) };
      for (const key of [rival.key, tpp.key]) {
        const refused = await rival.refresh(refresh_token, key);
        expect(refused).toMatchObject(invalidGrant);
        await expectExplained(assent, refused, { clientId: 'rival', error: 'invalid_grant' });
      }
      const foreign = await createForeignAssertion();
      const proof = await assent.prove(tpp.key);
      expect(await tpp.post('/oidc/token', { ...foreign, ...form }, proof)).toMatchObject({
        status: 401,
        body: { error: 'invalid_client' },
      });
      const bare = { client_id: 'tpp', ...form };
      expect(await tpp.post('/oidc/token', bare, await assent.prove(tpp.key))).toMatchObject({
        status: 401,
        body: { error: 'invalid_client' },
      });
      // Whoever only tried has ended nothing for the person.
      expect((await tpp.refresh(refresh_token)).status).toBe(200);
    });

    test('gives nothing once it is revoked', async () => {
      const { tpp } = assent;
      const { refresh_token, access_token } = await tpp.connectPerson();
      const form = { ...(await tpp.authentication()), token: String(refresh_token) };
      expect((await tpp.post('/oidc/token/revocation', form)).status).toBe(200);
      expect(await tpp.refresh(refresh_token)).toMatchObject(invalidGrant);
      expect((await tpp.call(access_token)).status).toBe(401);
    });

    async function createForeignAssertion() {
      const now = assent.seconds();
      return (await createClientKeys()).assertion('tpp', assent.issuer, {
        iat: now,
        exp: now + 60,
      });
    }
  });

  describe('SEC-29: another DPoP key', () => {
    test('than the request named or proved redeems no code', async () => {
      const { tpp } = assent;
      const thief = await createDpopKey();
      const parUrl = `${assent.issuer}/request`;
      for (const [named, proven] of [
        [{ dpop_jkt: tpp.key.thumbprint }, {}],
        [{}, await assent.prove(tpp.key, parUrl)],
        [{ dpop_jkt: tpp.key.thumbprint }, await assent.prove(tpp.key, parUrl)],
      ] as const) {
        const code = await tpp.codeFor(named, proven);
        expect(await tpp.redeem(code, {}, thief)).toMatchObject(invalidGrant);
        expect(await tpp.redeem(code)).toMatchObject({ status: 200, body: { token_type: 'DPoP' } });
      }
    });

    test('than the proof beside it is no dpop_jkt', async () => {
      const { tpp } = assent;
      const thief = await createDpopKey();
      const proof = await assent.prove(tpp.key, `${assent.issuer}/request`);
      const form = { ...(await tpp.request()), dpop_jkt: thief.thumbprint };
      const refused = await tpp.push(form, {}, proof);
      expect(refused).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
      await expectExplained(assent, refused, { clientId: 'tpp', error: 'invalid_request' });
    });

    test('opens nothing with a token of the first, nor does none', async () => {
      const { tpp } = assent;
      const thief = await createDpopKey();
      const { access_token } = await tpp.connectPerson();
      const refused = await tpp.call(access_token, undefined, {}, thief);
      expect(refused.status).toBe(401);
      expect(refused.headers.get('www-authenticate')).toContain('error="invalid_token"');
      expect((await tpp.call(access_token)).status).toBe(200);
    });

    // RFC 9449 §5: of clients that authenticate, refresh tokens are bound to that, not to a DPoP key.
    test('of the same client refreshes for itself alone, and none refreshes nothing', async () => {
      const { tpp } = assent;
      const next = await createDpopKey();
      const { refresh_token, access_token } = await tpp.connectPerson();
      const form = { grant_type: 'refresh_token', refresh_token: String(refresh_token) };
      expect(await tpp.token(form)).toMatchObject(invalidGrant);
      const { status, body } = await tpp.refresh(refresh_token, next);
      expect(status).toBe(200);
      expect((await tpp.call(body.access_token, undefined, {}, next)).status).toBe(200);
      expect((await tpp.call(body.access_token)).status).toBe(401);
      expect((await tpp.call(access_token, undefined, {}, next)).status).toBe(401);
    });
  });

  test('SEC-02: a code is of no use in a session that did not ask for it', async () => {
    const { tpp } = assent;
    const pushed = await tpp.push(await tpp.request());
    const begun = await assent.fetch(tpp.visitUrl(pushed));
    const resume = begun.headers.get('location') ?? '';
    // The visit belongs to the browser with its cookies: another one sees nothing of it.
    const foreign = await assent.fetch(resume);
    expect(foreign.status).toBe(400);
    expect(() => readReturn(foreign.headers.get('location'))).toThrow();
  });
});
