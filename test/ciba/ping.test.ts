import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { jobs } from '../../core/job.js';
import { eventually } from '../support/eventually.js';
import { decideLatest, type RunningCiba, startCiba } from './support/start-ciba.js';

let bank: RunningCiba;

beforeAll(async () => {
  bank = await startCiba();
});
afterAll(() => bank.stop());
beforeEach(() => {
  bank.clock.advance(600);
  bank.target.received.length = 0;
  bank.answering.with = (response) => void response.writeHead(204).end();
});

const answer = (...statuses: number[]) => {
  bank.answering.with = (response: ServerResponse) => {
    response.writeHead(statuses.shift() ?? 204, { location: bank.target.url }).end('{"a":1}');
  };
};
const pings = () => bank.target.received;
const client_notification_token = '8d67dc78-7faa-4d41-aabd-67707b374255';
const ask = (parameters: object = {}) =>
  bank.bell.mustAsk({ client_notification_token, ...parameters });
/** When pings are to be sent. */
async function planned(): Promise<readonly string[]> {
  const { records } = await bank.storage.find(jobs, { index: 'due', from: '', limit: 1000 });
  return records
    .map(({ value }) => value)
    .flatMap(({ kind, due }) => (kind === 'ping-client' ? [due] : []));
}
/** Waits until the answer to a ping was looked at, and the next one is planned in so many seconds, if at all. */
const settle = (...pauses: readonly number[]) => {
  const dues = pauses.map((pause) => new Date(bank.clock.now() + pause * 1000).toISOString());
  return eventually(async () => expect(await planned()).toEqual(dues));
};

test('tells the client of a yes: the auth_req_id, under its own token, and nothing else', async () => {
  const asked = await ask();
  await settle();
  expect(pings()).toEqual([]);
  await decideLatest(bank, 'approve');
  await eventually(() => expect(pings()).toHaveLength(1));
  const [ping] = pings();
  expect(ping).toMatchObject({
    method: 'POST',
    headers: {
      authorization: `Bearer ${client_notification_token}`,
      'content-type': 'application/json',
    },
  });
  expect(JSON.parse(ping?.body ?? '')).toEqual({ auth_req_id: asked });
  expect((await bank.bell.poll(asked)).status).toBe(200);
  await settle();
  expect(pings()).toHaveLength(1);
});

test('tells of a no as well, and a client may poll all the same', async () => {
  const asked = await ask();
  expect((await bank.bell.poll(asked)).body.error).toBe('authorization_pending');
  await decideLatest(bank, 'refuse');
  await eventually(() => expect(pings()).toHaveLength(1));
  expect((await bank.bell.poll(asked)).body.error).toBe('access_denied');
});

test('does not tell a client that polls, whatever it sends', async () => {
  const asked = await bank.till.mustAsk({ client_notification_token });
  await decideLatest(bank, 'approve');
  await settle();
  expect(pings()).toEqual([]);
  expect((await bank.till.poll(asked)).status).toBe(200);
});

test.each([undefined, '', 'with space', 'ünï', 'x'.repeat(1025)])(
  'a request with the token %j is refused',
  async (token) => {
    const { status, body } = await bank.bell.ask({ client_notification_token: token });
    expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_request' });
  },
);

test('an answer with a body is as good as one without', async () => {
  answer(200);
  await ask();
  await decideLatest(bank, 'approve');
  await eventually(() => expect(pings()).toHaveLength(1));
  await settle();
  expect(pings()).toHaveLength(1);
});

test.each([301, 307, 400, 401, 403, 404])(
  'what the client answers with %d is final: not repeated, not followed',
  async (status) => {
    answer(status, status, status);
    const asked = await ask();
    await decideLatest(bank, 'approve');
    await eventually(() => expect(pings()).toHaveLength(1));
    await settle();
    expect(pings()).toHaveLength(1);
    // The tokens wait for it.
    expect((await bank.bell.poll(asked)).status).toBe(200);
  },
);

test('a failure of the client is tried again, with growing pauses, until the request ends', async () => {
  answer(503, 429, 500, 503, 503, 503, 503, 503, 503);
  await ask({ requested_expiry: 60 });
  await decideLatest(bank, 'approve');
  await eventually(() => expect(pings()).toHaveLength(1));
  for (const [attempt, pause] of [5, 10, 20].entries()) {
    await settle(pause);
    bank.clock.advance(pause - 1);
    await settle(1);
    expect(pings()).toHaveLength(attempt + 1);
    bank.clock.advance(1);
    await eventually(() => expect(pings()).toHaveLength(attempt + 2));
  }
  await settle();
  bank.clock.advance(3600);
  expect(pings()).toHaveLength(4);
});

test('nobody waits for a client that does not answer', async () => {
  let release = () => {};
  let isGivenUp = false;
  bank.answering.with = (response) => {
    release = () => void response.writeHead(204).end();
    response.on('close', () => {
      isGivenUp = true;
    });
  };
  const asked = await ask();
  await decideLatest(bank, 'approve');
  // Who waits does so until it is given up.
  expect(isGivenUp).toBe(false);
  await eventually(() => expect(pings()).toHaveLength(1));
  expect((await bank.bell.poll(asked)).status).toBe(200);
  release();
});

test('a private address is not asked (SEC-45)', async () => {
  const inside = await bank.connectClient('inside', {
    backchannel_token_delivery_mode: 'ping',
    backchannel_client_notification_endpoint: `https://127.0.0.1:${bank.target.port}/hook`,
  });
  const asked = await inside.mustAsk({ client_notification_token });
  await decideLatest(bank, 'approve');
  await settle(5);
  expect(pings()).toEqual([]);
  expect((await inside.poll(asked)).status).toBe(200);
});
