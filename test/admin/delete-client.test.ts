import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { clients } from '../../core/clients.js';
import { systemClock } from '../../core/clock.js';
import { connections } from '../../core/connection.js';
import { consents } from '../../core/consent.js';
import { type Intent, intents } from '../../core/intent.js';
import { put } from '../../core/storage.js';
import { makeManagedUser, users } from '../../core/user.js';
import { createDemoLedger } from '../../sandbox/bank/create-demo-ledger.js';
import { createRunningClock } from '../adapters/support/moving-clock.js';
import { eventually } from '../support/eventually.js';
import { seedCode, seededRedirectUri, seededUserId } from '../support/seed-code.js';
import { startAdmin } from './support/start-admin.js';

const clock = createRunningClock();
const anyState = { 'if-match': '*' };

describe('deleting a client of the identity service', () => {
  let admin: Awaited<ReturnType<typeof startAdmin>>;
  const metadata = {
    client_name: 'Leaving',
    profile: 'identity-service',
    token_endpoint_auth_method: 'client_secret_basic',
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    redirect_uris: [seededRedirectUri],
  };

  beforeAll(async () => {
    admin = await startAdmin({}, { clock });
  });
  afterAll(() => admin.stop());

  async function post(id: string, secret: string, form: Record<string, string>) {
    const response = await admin.fetchAnonymously('/oidc/token', {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` },
      body: new URLSearchParams(form),
    });
    return {
      status: response.status,
      body: (await response.json()) as Record<string, string>,
    };
  }

  async function readUsers(token: string): Promise<number> {
    const headers = { authorization: `Bearer ${token}` };
    return (await admin.fetchAnonymously('/users', { headers })).status;
  }

  test('is foretold, and then ends every token, consent and connection, also for a namesake', async () => {
    const made = await admin.call('POST', '/clients', metadata);
    const { clientId: id } = made.body.client;
    const secret = made.body.clientSecret;
    const user = { ...makeManagedUser(id, {}, Date.now()), userId: seededUserId };
    await admin.storage.commit([put(users, seededUserId, user)]);
    const { code, grantId, connection } = await seedCode(admin, {
      clientId: id,
      scope: 'openid offline_access accounts:read',
    });
    const redeemed = await post(id, secret, {
      grant_type: 'authorization_code',
      code,
      redirect_uri: seededRedirectUri,
    });
    expect(redeemed.status).toBe(200);
    const refresh = {
      grant_type: 'refresh_token',
      refresh_token: redeemed.body.refresh_token ?? '',
    };
    expect((await post(id, secret, refresh)).status).toBe(200);
    const own = await post(id, secret, { grant_type: 'client_credentials', scope: 'user:read' });
    const ownToken = own.body.access_token ?? '';
    expect(await readUsers(ownToken)).toBe(200);

    const foretold = {
      grants: { total: 1, ids: [grantId], isComplete: true },
      connections: { total: 1, ids: [connection.id], isComplete: true },
    };
    const tried = await admin.call('DELETE', `/clients/${id}/dry-run`);
    expect(tried.body.ends).toMatchObject(foretold);
    const narrowed = await admin.call('PATCH', `/clients/${id}/dry-run`, {
      grant_types: ['authorization_code'],
    });
    expect(narrowed.body.ends).toMatchObject({
      because: expect.stringContaining('refresh_token'),
      grants: foretold.grants,
      connections: { total: 0 },
    });
    expect((await post(id, secret, refresh)).status).toBe(200);

    // A scope that is taken away is missing from the next token.
    const fewer = await admin.call('PATCH', `/clients/${id}`, { scope: 'openid' }, anyState);
    expect(fewer.status).toBe(200);
    clock.advance(2);
    expect((await post(id, secret, refresh)).body.scope).not.toContain('accounts:read');

    const deleted = await admin.call('DELETE', `/clients/${id}`, undefined, anyState);
    expect(deleted.status).toBe(204);
    await eventually(async () => {
      expect(await admin.storage.get(clients, id)).toBeUndefined();
    });
    expect(await admin.storage.get(connections, connection.id)).toBeUndefined();
    expect(await admin.storage.get(users, seededUserId)).toBeUndefined();
    expect((await admin.storage.get(consents, grantId))?.value.status).toBe('revoked');
    // Within a second the client itself is unknown; its tokens are gone already.
    expect([400, 401]).toContain((await post(id, secret, refresh)).status);
    const history = await admin.call('GET', `/clients/${id}/history`);
    expect(history.body.changes[0]).toMatchObject({
      action: 'deleted',
      changes: expect.arrayContaining([
        { member: 'client_name', before: 'Leaving' },
        { member: 'client_secret', before: '(changed)' },
      ]),
    });

    // Seconds are what the times of tokens and clients are told in.
    clock.advance(2);
    const namesake = await admin.call('POST', '/configuration/apply', {
      format: 'assent-configuration',
      version: 1,
      clients: [{ client_id: id, client_secret: secret, ...metadata }],
    });
    expect(namesake.status).toBe(200);
    clock.advance(2);
    expect(await readUsers(ownToken)).toBe(401);
    expect(await readUsers(redeemed.body.access_token ?? '')).toBe(401);
    expect((await post(id, secret, refresh)).status).toBe(400);
    const fresh = await post(id, secret, { grant_type: 'client_credentials', scope: 'user:read' });
    expect(await readUsers(fresh.body.access_token ?? '')).toBe(200);
  });

  test('that is under way is shown as such, refuses everything, and can be asked for again', async () => {
    const made = await admin.call('POST', '/clients', metadata);
    const { clientId: id } = made.body.client;
    const stored = await admin.storage.get(clients, id);
    if (!stored) throw new Error('no client');
    // As a crash between the two writes leaves it on an engine without transactions.
    await admin.storage.commit([put(clients, id, { ...stored.value, client_status: 'ending' })]);
    expect((await admin.call('GET', `/clients/${id}`)).body.status).toBe('ending');
    const change = await admin.call('PATCH', `/clients/${id}`, { client_name: 'No' }, anyState);
    expect(change.body.details).toMatchObject([{ member: 'client_status' }]);
    expect((await admin.call('POST', `/clients/${id}/enable`, {}, anyState)).status).toBe(409);
    const grant = { grant_type: 'client_credentials', scope: 'user:read' };
    expect((await post(id, made.body.clientSecret, grant)).status).toBe(401);
    expect((await admin.call('DELETE', `/clients/${id}`, undefined, anyState)).status).toBe(204);
    await eventually(async () => {
      expect((await admin.call('GET', `/clients/${id}`)).status).toBe(404);
    });
  });
});

test('a bank withdraws what customers authorised, and nothing of other clients', async () => {
  const admin = await startAdmin(
    { role: 'bank' },
    { ledger: createDemoLedger({ clock: systemClock }) },
  );
  try {
    const { body } = await admin.call('POST', '/clients', {
      token_endpoint_auth_method: 'tls_client_auth',
      tls_client_auth_subject_dn: 'CN=tpp',
      tls_client_certificate_bound_access_tokens: true,
      grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
      redirect_uris: ['https://tpp.example/callback'],
      scope: 'openid accounts',
    });
    const { clientId } = body.client;
    const at = new Date().toISOString();
    const intent = (of: string, status: Intent['status']): Intent => ({
      id: randomUUID(),
      clientId: of,
      status,
      permissions: ['ReadAccountsBasic'],
      createdAt: at,
      statusUpdatedAt: at,
      accountIds: [],
    });
    const live = Array.from({ length: 120 }, () => intent(clientId, 'Authorised'));
    const waiting = intent(clientId, 'AwaitingAuthorisation');
    const foreign = intent('another', 'Authorised');
    await admin.storage.commit(
      [...live, waiting, foreign].map((each) => put(intents, each.id, each)),
    );
    const tried = await admin.call('DELETE', `/clients/${clientId}/dry-run`);
    expect(tried.body.ends.grants).toMatchObject({ total: 120, isComplete: true });
    expect(tried.body.ends.grants.ids).toHaveLength(100);

    await admin.call('DELETE', `/clients/${clientId}`, undefined, anyState);
    await eventually(async () => {
      expect(await admin.storage.get(clients, clientId)).toBeUndefined();
    });
    const statusOf = async ({ id }: Intent) => (await admin.storage.get(intents, id))?.value.status;
    const statuses = await Promise.all(live.map(statusOf));
    expect(new Set(statuses)).toEqual(new Set(['Revoked']));
    expect(await statusOf(waiting)).toBe('Rejected');
    expect(await statusOf(foreign)).toBe('Authorised');
  } finally {
    await admin.stop();
  }
});
