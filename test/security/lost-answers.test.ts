import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openLosingLine } from './support/losing-line.js';
import { type RunningRole, roles, startRole } from './support/start-role.js';

/*
 * SEC-26: the connection breaks after the commit and before the answer. A client tries again, with an
 * assertion and a proof of its own each time (RFC 7523 §3, RFC 9449 §11.1).
 */

type Line = Awaited<ReturnType<typeof openLosingLine>>;
type Connected = Awaited<ReturnType<RunningRole['connect']>>;

describe.each(roles)('%s', (role) => {
  let assent: RunningRole;
  let line: Line;
  let tpp: Connected;
  beforeAll(async () => {
    assent = await startRole(role);
    line = await openLosingLine(assent);
    tpp = await assent.connect('tpp', line.fetch);
  });
  afterAll(async () => {
    await line?.close();
    await assent?.stop();
  });

  test('SEC-26: a pushed request can be pushed again', async () => {
    const request = await tpp.request();
    await line.lose(() => tpp.push(request));
    const again = await tpp.push(request);
    expect(again.status).toBe(201);
    expect((await tpp.agree(tpp.visitUrl(again))).code).toBeDefined();
  });

  test('SEC-26: the same assertion and proof say that they were used, and nothing else happens', async () => {
    const form = {
      ...(await tpp.authentication()),
      grant_type: 'client_credentials',
      scope: role === 'bank' ? 'accounts' : 'user:read',
    };
    const proof = await assent.prove(tpp.key);
    await line.lose(() => tpp.post('/oidc/token', form, proof));
    expect(await tpp.post('/oidc/token', form, proof)).toMatchObject({
      status: 401,
      body: { error: 'invalid_client' },
    });
    const fresh = { ...form, ...(await tpp.authentication()) };
    expect(await tpp.post('/oidc/token', fresh, await assent.prove(tpp.key))).toMatchObject({
      status: 200,
    });
  });

  test('SEC-26: a refresh gives the same connection again, however often its answer is lost', async () => {
    const { refresh_token } = await tpp.connectPerson();
    for (let attempt = 0; attempt < 3; attempt++) {
      await line.lose(() => tpp.refresh(refresh_token));
    }
    const { status, body } = await tpp.refresh(refresh_token);
    expect({ status, refresh_token: body.refresh_token }).toEqual({ status: 200, refresh_token });
    expect((await tpp.call(body.access_token)).status).toBe(200);
  });

  test('SEC-26: a revocation can be asked for again', async () => {
    const { refresh_token, access_token } = await tpp.connectPerson();
    const revoke = async () =>
      tpp.post('/oidc/token/revocation', {
        ...(await tpp.authentication()),
        token: String(refresh_token),
      });
    await line.lose(revoke);
    expect((await revoke()).status).toBe(200);
    expect(await tpp.refresh(refresh_token)).toMatchObject({ body: { error: 'invalid_grant' } });
    expect((await tpp.call(access_token)).status).toBe(401);
  });

  // RFC 6749 §4.1.2: who lost the answer cannot be told from who stole the code.
  test('SEC-26: a code is spent: the second try ends what the first gave, and the person goes again', async () => {
    const code = await tpp.codeFor();
    await line.lose(() => tpp.redeem(code));
    expect(await tpp.redeem(code)).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant' },
    });
    const { access_token } = await tpp.connectPerson();
    expect((await tpp.call(access_token)).status).toBe(200);
  });
});
