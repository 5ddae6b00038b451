import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startRegistration } from '../registration/support/start-registration.js';
import { createTestOperator, getToken } from './support/start-admin.js';

let assent: Awaited<ReturnType<typeof startRegistration>>;
let operator: Awaited<ReturnType<typeof createTestOperator>>;

beforeAll(async () => {
  assent = await startRegistration();
  operator = await createTestOperator(assent, 'operator', [
    ...(['clients:read', 'clients:write', 'keys:read', 'keys:write'] as const),
  ]);
});
afterAll(() => assent?.stop());

const client = {
  client_name: 'Budget',
  redirect_uris: ['https://budget.example/callback'],
  token_endpoint_auth_method: 'private_key_jwt',
  dpop_bound_access_tokens: true,
};

describe('registration tokens', () => {
  test('are made, listed without what proves them, used, and revoked; who did it is kept', async () => {
    const { call } = operator;
    const policy = { profiles: ['fapi2-security'], members: ['organisation_name'] };
    const made = await call('POST', '/registration-tokens', {
      note: 'Budget Ltd',
      uses: 2,
      policy,
    });
    expect(made.status).toBe(201);
    const { id, registrationToken } = made.body;

    const jwks_uri = assent.publish('/budget/jwks', assent.directoryKeys.jwks);
    const registered = await assent.register(
      { ...client, jwks_uri, organisation_name: 'Budget Ltd' },
      { token: registrationToken },
    );
    expect(registered).toMatchObject({ status: 201, body: { organisation_name: 'Budget Ltd' } });
    expect(await assent.history(registered.body.client_id)).toMatchObject([
      { by: { kind: 'registration', id: `token:${id}` } },
    ]);

    const listed = await call('GET', '/registration-tokens');
    expect(listed.body.registrationTokens).toEqual([
      {
        id,
        note: 'Budget Ltd',
        policy,
        usesLeft: 1,
        createdAt: expect.any(String),
        expiresAt: expect.any(String),
        createdBy: { kind: 'operator', id: 'operator' },
      },
    ]);
    expect(JSON.stringify(listed.body)).not.toContain(registrationToken.split('.')[1]);

    expect((await call('DELETE', `/registration-tokens/${id}`)).status).toBe(204);
    expect(
      await assent.register({ ...client, jwks_uri }, { token: registrationToken }),
    ).toMatchObject({ status: 401, body: { error: 'invalid_token' } });
    expect((await call('DELETE', `/registration-tokens/${id}`)).status).toBe(404);
    const history = await call('GET', '/registration-tokens/history');
    expect(history.body.changes).toMatchObject([
      { action: 'revoked', id, note: 'Budget Ltd', by: { kind: 'operator', id: 'operator' } },
      { action: 'created', id, note: 'Budget Ltd', by: { kind: 'operator', id: 'operator' } },
    ]);
  });

  test.each([
    [{}, 'note'],
    [{ note: 'x', uses: 0 }, 'uses'],
    [{ note: 'x\u001b[2J' }, 'note'],
    [{ note: 'x\n00000000  99 left' }, 'note'],
    [{ note: 'x', days: 4000 }, 'days'],
    [{ note: 'x', policy: { members: ['client_secret'] } }, 'policy.members.0'],
    [{ note: 'x', policy: { profiles: ['none'] } }, 'policy.profiles.0'],
  ])('of no sense are refused: %j', async (body, member) => {
    const { status, body: answer } = await operator.call('POST', '/registration-tokens', body);
    expect(status).toBe(400);
    expect(answer.message).toContain(`${member}:`);
  });
});

describe('signing keys', () => {
  const published = async () => {
    const { keys } = (await (await assent.fetch('/oidc/certs')).json()) as {
      keys: { kid: string }[];
    };
    return keys.map(({ kid }) => kid);
  };
  const keys = async () => (await operator.call('GET', '/keys')).body.keys;

  test('are listed, rotated and revoked, after a dry run that said what would be', async () => {
    const { call } = operator;
    const before = await keys();
    const [first] = before.filter(({ state }: { state: string }) => state === 'signing');
    expect(Object.keys(first)).not.toContain('privateHalf');
    const { algorithm } = first;

    const tried = await call('POST', '/keys/rotate/dry-run', { algorithm });
    expect(tried.body).toMatchObject({ publishes: [{ algorithm }], published: [] });
    expect(await keys()).toEqual(before);

    const rotated = await call('POST', '/keys/rotate', { algorithm });
    const [next] = rotated.body.keys.filter(
      ({ state }: { state: string }) => state === 'published',
    );
    expect(next.algorithm).toBe(algorithm);
    const again = await call('POST', '/keys/rotate', { algorithm });
    expect(again.body.keys).toHaveLength(rotated.body.keys.length);
    expect((await call('POST', '/keys/rotate/dry-run', { algorithm })).body).toMatchObject({
      publishes: [],
      published: [{ kid: next.kid }],
    });

    const planned = await call('POST', `/keys/${first.kid}/revoke/dry-run`);
    expect(planned.body).toMatchObject({
      key: { kid: first.kid, state: 'signing' },
      signsNext: { kid: next.kid },
    });
    expect(await published()).toContain(first.kid);

    const revoked = await call('POST', `/keys/${first.kid}/revoke`);
    expect(revoked.status).toBe(200);
    expect(revoked.body.problem).toBeUndefined();
    expect(revoked.body.keys).toContainEqual(
      expect.objectContaining({ kid: first.kid, state: 'revoked', heldBy: 'nobody' }),
    );
    expect(revoked.body.keys).toContainEqual(
      expect.objectContaining({ kid: next.kid, state: 'signing' }),
    );
    const repeated = await call('POST', `/keys/${first.kid}/revoke`);
    const { revokedAt } = repeated.body.keys.find(({ kid }: { kid: string }) => kid === first.kid);
    expect(repeated.body.problem).toBe(`${first.kid} was revoked already, at ${revokedAt}`);
    expect(repeated.body.keys).toEqual(revoked.body.keys);
    const planNew = await call('POST', `/keys/${next.kid}/revoke/dry-run`);
    expect(planNew.body.signsNext).toEqual({ isNew: true });

    const { changes } = (await call('GET', '/keys/history')).body;
    expect(changes.slice(0, 2)).toMatchObject([
      { action: 'revoked', id: first.kid, by: { kind: 'operator', id: 'operator' } },
      { action: 'created', id: next.kid, by: { kind: 'operator', id: 'operator' } },
    ]);
    expect(changes.at(-1)).toMatchObject({ action: 'created', by: { kind: 'program' } });
  });

  test('that there are none of are told apart from an algorithm that is not offered', async () => {
    const { call } = operator;
    for (const path of ['/keys/none/revoke', '/keys/none/revoke/dry-run']) {
      expect((await call('POST', path)).status).toBe(404);
    }
    for (const path of ['/keys/rotate', '/keys/rotate/dry-run']) {
      const { status, body } = await call('POST', path, { algorithm: 'HS256' });
      expect({ status, message: body.message }).toEqual({
        status: 400,
        message: expect.stringContaining('HS256 is not among signing.algorithms'),
      });
    }
  });

  test('are for operators with a scope of their own', async () => {
    const clerk = await createTestOperator(assent, 'clerk', ['clients:read', 'clients:write']);
    expect((await clerk.call('GET', '/keys')).status).toBe(403);
    expect((await clerk.call('POST', '/keys/rotate', {})).status).toBe(403);
    await expect(getToken(assent, clerk.fetch, 'clerk', 'keys:write')).rejects.toThrow(
      'invalid_scope',
    );
    const guard = await createTestOperator(assent, 'guard', ['keys:read']);
    expect((await guard.call('GET', '/keys')).status).toBe(200);
    expect((await guard.call('POST', '/keys/rotate/dry-run', {})).status).toBe(200);
    expect((await guard.call('POST', '/keys/rotate', {})).status).toBe(403);
    expect((await guard.call('GET', '/clients')).status).toBe(403);
  });
});
