import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { clients } from '../../core/clients.js';
import { consents } from '../../core/consent.js';
import { intents } from '../../core/intent.js';
import { put } from '../../core/storage.js';
import { createDemoLedger } from '../../sandbox/bank/create-demo-ledger.js';
import { createFapiClient } from '../support/fapi-client.js';
import { seededUserId } from '../support/seed-code.js';
import { type Beside, startBeside } from '../support/start-beside.js';
import { type RunningRole, roles, startRole } from './support/start-role.js';

/*
 * SEC-43: what is revoked is over in every process: at once where the consent, the person or the token
 * ends, and after a second at most where the client does (architecture decisions 18 and 29).
 */

const api = {
  client_id: 'api',
  resource_server: true,
  redirect_uris: [],
  response_types: [],
  grant_types: [],
};

describe.each(roles)('%s', (role) => {
  let assent: RunningRole;
  let other: Beside;
  beforeAll(async () => {
    assent = await startRole(role, [api]);
    const { clock } = assent;
    other = await startBeside(assent, {
      clock,
      ...(role === 'bank' && { ledger: createDemoLedger({ clock }) }),
    });
  });
  afterAll(async () => {
    await other?.stop();
    await assent?.stop();
  });

  /** Whether who asks hears that the token is live, in each process; a resource by default. */
  async function isActive(token: unknown, who = 'api'): Promise<readonly unknown[]> {
    const answers = [assent, other].map(async ({ fetch }) => {
      const now = assent.seconds;
      const asking = createFapiClient({ ...assent, fetch }, who, assent.clientKeys, { now });
      const form = { ...(await asking.authentication()), token: String(token) };
      return (await asking.post('/oidc/token/introspection', form)).body.active;
    });
    return Promise.all(answers);
  }

  async function connect() {
    const tokens = await assent.tpp.connectPerson();
    expect(await isActive(tokens.access_token)).toEqual([true, true]);
    expect(await isActive(tokens.refresh_token, 'tpp')).toEqual([true, true]);
    return tokens;
  }

  async function expectOver(tokens: Readonly<Record<string, unknown>>): Promise<void> {
    expect(await isActive(tokens.access_token)).toEqual([false, false]);
    expect(await isActive(tokens.refresh_token, 'tpp')).toEqual([false, false]);
    expect((await assent.tpp.call(tokens.access_token)).status).toBe(401);
    expect((await assent.tpp.refresh(tokens.refresh_token)).status).toBe(400);
  }

  test('SEC-43: a revoked token is inactive in both processes at once', async () => {
    const { tpp } = assent;
    const tokens = await connect();
    const form = { ...(await tpp.authentication()), token: String(tokens.refresh_token) };
    expect((await tpp.post('/oidc/token/revocation', form)).status).toBe(200);
    await expectOver(tokens);
  });

  test('SEC-43: the tokens of a consent that is withdrawn are, too', async () => {
    const { tpp } = assent;
    const tokens = await connect();
    if (role === 'bank') {
      const own = await tpp.token(
        { grant_type: 'client_credentials', scope: 'accounts' },
        await assent.prove(tpp.key),
      );
      const { records } = await assent.storage.find(intents, {
        index: 'customer',
        equals: (await grantOf(tokens))?.accountId ?? '',
        limit: 100,
      });
      const id = (await grantOf(tokens))?.jti;
      expect(records.map((record) => record.id)).toContain(id);
      const path = `/open-banking/v3.1/aisp/account-access-consents/${id}`;
      const deleted = await tpp.call(own.body.access_token, path, { method: 'DELETE' });
      expect(deleted.status).toBe(204);
    } else {
      const grant = await grantOf(tokens);
      const consent = await assent.storage.get(consents, grant?.jti ?? '');
      const own = await tpp.token(
        { grant_type: 'client_credentials', scope: 'user:delete' },
        await assent.prove(tpp.key),
      );
      const path = `/users/${seededUserId}/connection/${consent?.value.connectionId}`;
      const deleted = await tpp.call(own.body.access_token, path, { method: 'DELETE' });
      expect(deleted.status).toBe(204);
    }
    await expectOver(tokens);
  });

  async function grantOf({ access_token: token }: Readonly<Record<string, unknown>>) {
    const found = await assent.provider.AccessToken.find(String(token));
    return found && assent.provider.Grant.find(found.grantId ?? '');
  }

  test('SEC-43: those of a client that is disabled are after a second, in both', async () => {
    const tokens = await connect();
    const client = await assent.storage.get(clients, 'tpp');
    if (!client) throw new TypeError('no client');
    await assent.storage.commit([
      put(clients, 'tpp', { ...client.value, client_status: 'inactive' }),
    ]);
    assent.clock.advance(1);
    expect(await isActive(tokens.access_token)).toEqual([false, false]);
    expect((await assent.tpp.call(tokens.access_token)).status).toBe(401);
    const { status, body } = await assent.tpp.refresh(tokens.refresh_token);
    expect({ status, error: body.error }).toEqual({ status: 401, error: 'invalid_client' });
  });
});
