import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { decodeJwt } from 'jose';
import { Agent, buildConnector, fetch as undiciFetch } from 'undici';
import { createAssent } from '../../create-assent.js';
import { createDemoLedger } from '../../sandbox/bank/create-demo-ledger.js';
import { freePort } from '../support/start-assent.js';
import {
  decideLatest,
  forIntent,
  type RunningCiba,
  startCiba,
  subjectOf,
} from './support/start-ciba.js';

let bank: RunningCiba;

beforeAll(async () => {
  bank = await startCiba();
});
afterAll(() => bank.stop());
beforeEach(() => bank.clock.advance(600));

const fault = ({ status, body }: { status: number; body: Record<string, unknown> }) => ({
  status,
  error: body.error,
});
const pending = { status: 400, error: 'authorization_pending' };
const slowDown = { status: 400, error: 'slow_down' };
const invalidGrant = { status: 400, error: 'invalid_grant' };

async function accountIds(token: unknown, client = bank.till): Promise<unknown[]> {
  const { body } = await client.call(token, '/accounts');
  const { Account = [] } = Object(body.Data);
  return Array.from(Account, (account) => Object(account).AccountId);
}

describe('a yes', () => {
  test('to an intent gives what the authorization code flow gives, and ends with the intent', async () => {
    const intentId = await bank.till.register();
    const asked = await bank.till.mustAsk({ ...forIntent(intentId), nonce: 'the-nonce' });
    expect(fault(await bank.till.poll(asked))).toEqual(pending);
    await decideLatest(bank, 'approve', ['22289', '47751']);
    const { status, body } = await bank.till.poll(asked);
    expect(status).toBe(200);
    expect(body).toEqual({
      access_token: expect.any(String),
      id_token: expect.any(String),
      refresh_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: 7200,
      scope: 'openid accounts',
    });
    const now = Math.floor(bank.clock.now() / 1000);
    const claims = decodeJwt(String(body.id_token));
    expect(claims).toMatchObject({
      iss: bank.issuer,
      aud: 'till',
      sub: 'cust-5e1d0c27',
      openbanking_intent_id: intentId,
      acr: 'urn:openbanking:psd2:ca',
      nonce: 'the-nonce',
      iat: now,
    });
    // It belongs to the tokens that are pushed, and none are (CIBA Core §10.3.1).
    expect(claims).not.toHaveProperty('urn:openid:params:jwt:claim:auth_req_id');
    expect(await bank.till.intent(intentId)).toBe('Authorised');
    expect(await accountIds(body.access_token)).toEqual(['22289', '47751']);

    const refreshed = await bank.till.refresh(body.refresh_token);
    expect(await accountIds(refreshed.body.access_token)).toEqual(['22289', '47751']);
    await bank.till.intent(intentId, 'DELETE');
    expect(await accountIds(refreshed.body.access_token)).toEqual([]);
    expect(fault(await bank.till.refresh(body.refresh_token))).toEqual(invalidGrant);
  });

  test('asked for again for the same intent keeps its id, and the later choice counts', async () => {
    const intentId = await bank.till.register();
    const first = await bank.till.mustAsk(forIntent(intentId));
    await decideLatest(bank, 'approve', ['22289']);
    const { body } = await bank.till.poll(first);
    const second = await bank.till.mustAsk(forIntent(intentId));
    await decideLatest(bank, 'approve', ['31820']);
    expect(await accountIds((await bank.till.poll(second)).body.access_token)).toEqual(['31820']);
    expect(await accountIds(body.access_token)).not.toContain('22289');
    const third = await bank.till.mustAsk(forIntent(intentId));
    await decideLatest(bank, 'refuse');
    expect(fault(await bank.till.poll(third)).error).toBe('access_denied');
    expect(await bank.till.intent(intentId)).toBe('Authorised');
  });

  test('to accounts without an intent makes one, which the client can read and withdraw', async () => {
    const asked = await bank.till.mustAsk({
      claims: {
        id_token: { openbanking_intent_id: null },
        userinfo: { openbanking_intent_id: null },
      },
    });
    await decideLatest(bank, 'approve');
    const { body } = await bank.till.poll(asked);
    const { openbanking_intent_id: made } = decodeJwt(String(body.id_token));
    const { body: told } = await bank.till.userInfo(body.access_token);
    expect(told.openbanking_intent_id).toBe(made);
    expect(await accountIds(body.access_token)).toEqual(['22289']);
    expect((await bank.till.call(body.access_token, '/accounts/22289/balances')).status).toBe(200);
    // No more than that was said to the person.
    expect((await bank.till.call(body.access_token, '/accounts/22289/transactions')).status).toBe(
      403,
    );
    expect(await bank.till.intent(String(made))).toBe('Authorised');
    await bank.till.intent(String(made), 'DELETE');
    expect(await accountIds(body.access_token)).toEqual([]);
  });

  test('to who they are gives an ID token with acr and auth_time, and a token for UserInfo, for a day', async () => {
    const asked = await bank.till.mustAsk({
      scope: 'openid',
      acr_values: 'urn:openbanking:psd2:ca',
      max_age: 300,
      binding_message: 'who',
    });
    const at = Math.floor(bank.clock.now() / 1000);
    await decideLatest(bank, 'approve', []);
    const { body } = await bank.till.poll(asked);
    expect(decodeJwt(String(body.id_token))).toMatchObject({
      sub: 'cust-5e1d0c27',
      acr: 'urn:openbanking:psd2:ca',
      auth_time: at,
    });
    expect((await bank.till.call(body.access_token, '/accounts')).status).toBe(403);
    expect(await bank.till.userInfo(body.access_token)).toEqual({
      status: 200,
      body: { sub: 'cust-5e1d0c27' },
    });
    expect((await bank.till.refresh(body.refresh_token)).status).toBe(200);
    bank.clock.advance(86_400);
    expect(fault(await bank.till.refresh(body.refresh_token))).toEqual(invalidGrant);
  });
});

describe('no answer, and no', () => {
  test('a no is access_denied, as often as it is asked for, and the intent is rejected', async () => {
    const intentId = await bank.till.register();
    const asked = await bank.till.mustAsk(forIntent(intentId));
    await decideLatest(bank, 'refuse');
    for (let polls = 0; polls < 3; polls += 1) {
      const answer = await bank.till.poll(asked);
      expect(fault(answer)).toEqual({ status: 400, error: 'access_denied' });
      expect(answer.body.error_description).toBe('the person has refused');
    }
    expect(await bank.till.intent(intentId)).toBe('Rejected');
  });

  test('a request that nobody decided is expired_token, and unknown much later', async () => {
    const asked = await bank.till.mustAsk({ requested_expiry: 30 });
    bank.clock.advance(29);
    expect(fault(await bank.till.poll(asked))).toEqual(pending);
    bank.clock.advance(2);
    expect(fault(await bank.till.poll(asked))).toEqual({ status: 400, error: 'expired_token' });
    bank.clock.advance(2 * 3600);
    expect(fault(await bank.till.poll(asked))).toEqual(invalidGrant);
  });

  test('an intent that is withdrawn after the yes gives no tokens', async () => {
    const intentId = await bank.till.register();
    const asked = await bank.till.mustAsk(forIntent(intentId));
    await decideLatest(bank, 'approve');
    await bank.till.intent(intentId, 'DELETE');
    expect(fault(await bank.till.poll(asked))).toEqual(invalidGrant);
  });

  test('a wrong, a missing and an unknown auth_req_id', async () => {
    const asked = await bank.till.mustAsk();
    const wrong = `${asked.slice(0, -1)}${asked.endsWith('_') ? 'a' : '_'}`;
    expect(fault(await bank.till.poll(wrong))).toEqual(invalidGrant);
    expect(fault(await bank.till.poll(''))).toEqual({ status: 400, error: 'invalid_request' });
    expect(fault(await bank.till.poll(asked, { auth_req_id: 'x'.repeat(5000) }))).toEqual(
      invalidGrant,
    );
  });
});

describe('who polls', () => {
  test('has to be the client that asked', async () => {
    const asked = await bank.till.mustAsk();
    expect(fault(await bank.rival.poll(asked))).toEqual(invalidGrant);
    await decideLatest(bank, 'approve');
    expect(fault(await bank.rival.poll(asked))).toEqual(invalidGrant);
    const assertion = await bank.rival.authenticate();
    expect((await bank.till.poll(asked, { ...assertion, client_id: 'till' })).status).toBe(400);
    expect((await bank.till.poll(asked)).status).toBe(200);
  });

  test('needs the certificate that the token is bound to, and so does whoever uses it', async () => {
    const asked = await bank.till.mustAsk();
    await decideLatest(bank, 'approve');
    const grant = { grant_type: 'urn:openid:params:grant-type:ciba', auth_req_id: asked };
    const bare = await bank.till.post(
      '/oidc/token',
      { ...grant, ...(await bank.till.authenticate()) },
      bank.fetch,
    );
    expect(fault(bare)).toEqual(invalidGrant);
    const { body } = await bank.till.poll(asked);
    expect((await bank.rival.call(body.access_token, '/accounts')).status).toBe(401);
    expect((await bank.till.call(body.access_token, '/accounts')).status).toBe(200);
  });

  test('may be known by its certificate alone', async () => {
    const shop = await bank.connectClient('shop', {
      token_endpoint_auth_method: 'tls_client_auth',
      tls_client_auth_subject_dn: subjectOf('shop'),
    });
    const asked = await shop.mustAsk();
    await decideLatest(bank, 'approve');
    expect((await shop.poll(asked)).status).toBe(200);
    const foreign = await bank.till.post('/oidc/backchannel', {
      request: await shop.sign({}),
      client_id: 'shop',
    });
    expect(foreign.body.error).toBe('invalid_client');
  });
});

describe('how often', () => {
  test('too soon is slow_down, and the interval grows by five seconds each time', async () => {
    const asked = await bank.till.mustAsk();
    const pollAfter = async (seconds: number) => {
      bank.clock.advance(seconds);
      return fault(await bank.till.poll(asked));
    };
    expect(await pollAfter(0)).toEqual(pending);
    expect(await pollAfter(5)).toEqual(pending);
    expect(await pollAfter(4)).toEqual(slowDown);
    expect(await pollAfter(9)).toEqual(slowDown);
    expect(await pollAfter(14)).toEqual(slowDown);
    expect(await pollAfter(20)).toEqual(pending);
    expect(await pollAfter(20)).toEqual(pending);
    // Nobody waits for tokens that are there.
    await decideLatest(bank, 'approve');
    expect((await bank.till.poll(asked)).status).toBe(200);
  });

  test('of fifty at once, while nobody has decided, one is not told to slow down', async () => {
    const asked = await bank.till.mustAsk();
    const answers = await Promise.all(Array.from({ length: 50 }, () => bank.till.poll(asked)));
    const told = answers.map(({ body }) => body.error);
    expect(told.filter((error) => error === 'authorization_pending')).toHaveLength(1);
    expect(told.filter((error) => error === 'slow_down')).toHaveLength(49);
  });

  test('of fifty at once, after the yes, one gets tokens, and these stay', async () => {
    const asked = await bank.till.mustAsk();
    await decideLatest(bank, 'approve');
    const answers = await Promise.all(Array.from({ length: 50 }, () => bank.till.poll(asked)));
    const [given, ...more] = answers.filter(({ status }) => status === 200);
    expect(more).toEqual([]);
    const refused = answers.filter(({ status }) => status !== 200).map(fault);
    expect(refused).toEqual(Array.from({ length: 49 }, () => invalidGrant));
    // One of its own polls is no thief: neither the token nor the consent is taken back.
    expect(await accountIds(given?.body.access_token)).toEqual(['22289']);
    expect((await bank.till.refresh(given?.body.refresh_token)).status).toBe(200);
  });
});

test('two processes on one store are one bank: their pace, the decision, and the one use', async () => {
  const ports = { browser: { port: await freePort() }, mtls: { port: await freePort() } };
  const { listen, publicUrl, mtlsUrl } = bank.configuration;
  const other = await createAssent({
    configuration: {
      ...bank.configuration,
      listen: {
        browser: { ...listen.browser, ...ports.browser },
        mtls: { ...listen.mtls, ...ports.mtls },
      },
    },
    ledger: createDemoLedger({ clock: bank.clock }),
    clock: bank.clock,
  });
  await other.start();
  const { certificate, key } = await bank.authority.client('till');
  const files = await Promise.all(
    [bank.authority.certificate, certificate, key].map((path) => readFile(path, 'utf8')),
  );
  const [ca = '', cert = '', ownKey = ''] = files;
  const connect = buildConnector({ ca, cert, key: ownKey });
  const elsewhere = new Map([
    [new URL(publicUrl).port, ports.browser.port],
    [new URL(mtlsUrl).port, ports.mtls.port],
  ]);
  /** Asks the other process under the address of both. */
  const agent = new Agent({
    connect: (options, callback) =>
      connect({ ...options, port: String(elsewhere.get(options.port)) }, callback),
  });
  try {
    const asked = await bank.till.mustAsk();
    const pollOther = async () =>
      bank.till.post(
        '/oidc/token',
        {
          grant_type: 'urn:openid:params:grant-type:ciba',
          auth_req_id: asked,
          ...(await bank.till.authenticate()),
        },
        (url, init) => undiciFetch(url, { ...init, dispatcher: agent }),
      );
    expect(fault(await bank.till.poll(asked))).toEqual(pending);
    expect(fault(await pollOther())).toEqual(slowDown);
    bank.clock.advance(10);
    expect(fault(await pollOther())).toEqual(pending);
    expect(fault(await bank.till.poll(asked))).toEqual(slowDown);
    await decideLatest(bank, 'approve');
    const polls = Array.from({ length: 50 }, (_, index) =>
      index % 2 ? bank.till.poll(asked) : pollOther(),
    );
    const answers = await Promise.all(polls);
    const given = answers.filter(({ status }) => status === 200);
    expect(given).toHaveLength(1);
    expect(await accountIds(given[0]?.body.access_token)).toEqual(['22289']);
  } finally {
    await agent.destroy();
    await other.stop();
  }
});
