import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLocalJWKSet, decodeJwt, type JSONWebKeySet, jwtVerify } from 'jose';
import { z } from 'zod';
import { type ClientMetadata, clients } from '../../core/clients.js';
import { systemClock } from '../../core/clock.js';
import { type Event, type EventType, publishEvent, report } from '../../core/event.js';
import { jobs, schedule } from '../../core/job.js';
import { put } from '../../core/storage.js';
import { deliveries } from '../../core/webhook-delivery.js';
import { deliverWebhook } from '../../core/webhooks.js';
import { openCertificateAuthority } from '../../sandbox/certificate-authority.js';
import { createMovingClock } from '../adapters/support/moving-clock.js';
import { eventually } from '../support/eventually.js';
import { type RunningAssent, startAssent } from '../support/start-assent.js';
import { type Received, startTarget, type Target } from '../support/start-target.js';

const secret = 'a-secret-of-the-test-that-is-long-enough';
const day = 86_400;
const clock = createMovingClock();
const syncCompleted = {
  completedAt: new Date(clock.now()).toISOString(),
  processingStatus: 'success',
  syncId: randomUUID(),
  connectionId: 'bank:1',
} as const;

let directory: string;
let target: Target;
let assent: RunningAssent;
let outgoing: { allow: string[]; certificateAuthorities: string[] };
let answer: (response: ServerResponse, received: Received) => void;
/** Each test has a client of its own, whose endpoints are at `/<client>/…`. */
let clientId: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'assent-webhooks-'));
  const authority = await openCertificateAuthority(directory, systemClock);
  target = await startTarget(await authority.server('target'), (response, received) =>
    answer(response, received),
  );
  outgoing = { allow: ['localhost'], certificateAuthorities: [authority.certificate] };
  assent = await startAssent({ outgoing }, { clock });
});
beforeEach(async () => {
  clientId = randomUUID();
  answer = (response) => response.writeHead(200).end();
});
afterAll(async () => {
  await assent.stop();
  await target.stop();
  await rm(directory, { recursive: true });
});

const urlOf = (path: string) => `https://localhost:${target.port}/${clientId}/${path}`;
const receivedAt = (path: string) =>
  target.received.filter(({ url }) => url === `/${clientId}/${path}`);
const idsAt = (path: string): string[] => receivedAt(path).map(({ body }) => JSON.parse(body).id);

async function register(webhooks: ClientMetadata['webhooks'], more: object = {}) {
  const client: ClientMetadata = {
    client_id: clientId,
    client_secret: secret,
    profile: 'identity-service',
    token_endpoint_auth_method: 'client_secret_basic',
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
    ...(webhooks && { webhooks }),
    ...more,
  };
  await assent.storage.commit([put(clients, clientId, client)]);
}

function subscribe(...paths: readonly string[]) {
  return register(paths.map((path) => ({ url: urlOf(path), events: ['syncCompleted'] })));
}

const userId = '0123456789abcdef01234567';
async function happen(count = 1, about = { clientId, userId }): Promise<void> {
  const at = new Date(clock.now());
  await assent.storage.commit(
    Array.from({ length: count }, () => report('syncCompleted', about, syncCompleted, at)),
  );
}

const delivery = z.looseObject({
  id: z.string(),
  eventType: z.string(),
  userId: z.string(),
  nextAttemptAt: z.string().optional(),
  attempts: z.array(z.looseObject({ at: z.string() })),
});
/** What is one comes as a list of one. */
const answerShape = z.object({
  code: z.string().optional(),
  message: z.string().optional(),
  meta: z.record(z.string(), z.int()).default({}),
  data: z.preprocess((one) => [one ?? []].flat(), z.array(delivery)),
});

async function call(method: string, path: string, body?: object, as = clientId) {
  const granted = await assent.fetch('/oidc/token', {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(`${as}:${secret}`).toString('base64')}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: 'grant_type=client_credentials&scope=webhooks:read+webhooks:write',
  });
  const token = await granted.json();
  if (!isToken(token)) throw new Error('no token', { cause: token });
  const response = await assent.fetch(path, {
    method,
    headers: {
      authorization: `Bearer ${token.access_token}`,
      'content-type': 'application/json',
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  return { status: response.status, ...answerShape.parse(await response.json()) };
}

function isToken(body: unknown): body is { access_token: string } {
  return typeof body === 'object' && body !== null && 'access_token' in body;
}

/** The log, newest first, once there are so many attempts in it. */
async function logWith(attempts: number) {
  return eventually(async () => {
    const { data } = await call('GET', '/webhook-deliveries');
    expect(data.flatMap((one) => one.attempts)).toHaveLength(attempts);
    return data;
  });
}

/** Waits until no job of this test's client is due or being done. */
async function settled(): Promise<void> {
  await eventually(async () => {
    const { storage } = assent;
    const all = await storage.find(deliveries, { index: 'client', equals: clientId, limit: 100 });
    const due = all.records.filter(
      ({ value }) => Date.parse(value.nextAttemptAt ?? '') <= clock.now(),
    );
    expect(due).toEqual([]);
    for (const { id, value } of all.records) {
      const job = await storage.get(jobs, `${deliverWebhook.name}:${id}`);
      // While it is being done, it is due when the lease ends.
      expect(job?.value.due).toBe(value.nextAttemptAt);
    }
    const queued = await storage.find(jobs, { index: 'due', from: '', limit: 1000 });
    expect(queued.records.filter(({ value }) => value.kind === publishEvent.name)).toEqual([]);
  });
}

test('an event reaches each endpoint that wants it, as JSON and as a signed token with one id', async () => {
  const events: EventType[] = ['syncCompleted', 'connectionAdded'];
  await register(
    [
      { url: urlOf('json'), events },
      { url: urlOf('jwt'), events, format: 'jwt' },
      { url: urlOf('other'), events: ['deletedAccount'] },
    ],
    { id_token_signed_response_alg: 'PS256' },
  );
  await happen();
  await logWith(2);

  const [json] = receivedAt('json');
  expect(json).toMatchObject({ method: 'POST', headers: { 'content-type': 'application/json' } });
  const message = JSON.parse(json?.body ?? '');
  expect(message).toEqual({
    id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    eventType: 'syncCompleted',
    userId,
    payload: syncCompleted,
  });

  const [jwt] = receivedAt('jwt');
  expect(jwt?.headers['content-type']).toBe('application/jwt');
  const keys = (await (await assent.fetch('/oidc/certs')).json()) as JSONWebKeySet;
  const { payload, protectedHeader } = await jwtVerify(jwt?.body ?? '', createLocalJWKSet(keys), {
    issuer: assent.configuration.publicUrl,
    audience: clientId,
  });
  expect(protectedHeader).toEqual({ alg: 'PS256', kid: expect.any(String) });
  expect(payload).toEqual({
    iss: assent.configuration.publicUrl,
    aud: clientId,
    jti: message.id,
    sub: userId,
    iat: Math.floor(clock.now() / 1000),
    events: { 'urn:com:moneyhub:events:sync-completed': syncCompleted },
  });
  expect(receivedAt('other')).toEqual([]);
});

test('what is not received comes again later, with the same id, and not after it was', async () => {
  const statuses = [500, 302, 200];
  answer = (response) =>
    response.writeHead(statuses.shift() ?? 418, { location: '/elsewhere' }).end();
  await subscribe('hook');
  await happen();
  await logWith(1);
  clock.advance(20);
  await settled();
  expect(receivedAt('hook')).toHaveLength(1);
  clock.advance(20);
  await logWith(2);
  clock.advance(100);
  const data = await logWith(3);
  clock.advance(10 * day);
  await settled();

  expect(target.received.map(({ url }) => url)).not.toContain('/elsewhere');
  expect(new Set(idsAt('hook')).size).toBe(1);
  expect(receivedAt('hook')).toHaveLength(3);
  expect(data).toMatchObject([
    {
      eventId: idsAt('hook')[0],
      eventType: 'syncCompleted',
      userId,
      url: urlOf('hook'),
      state: 'delivered',
      attempts: [{ status: 500 }, { status: 302 }, { status: 200 }],
    },
  ]);
  const [first, second] = data[0]?.attempts ?? [];
  expect(Date.parse(second?.at ?? '') - Date.parse(first?.at ?? '')).toBe(40_000);
});

test('a signed token that comes again makes the same claims', async () => {
  const statuses = [500, 200];
  answer = (response) => response.writeHead(statuses.shift() ?? 418).end();
  await register([{ url: urlOf('jwt'), events: ['syncCompleted'], format: 'jwt' }]);
  await happen();
  await logWith(1);
  clock.advance(60);
  await logWith(2);
  const [first, second] = receivedAt('jwt').map(({ body }) => decodeJwt(body));
  expect(first).toBeDefined();
  expect(second).toEqual(first);
});

test('410 ends it at once, and the client may have it delivered again', async () => {
  answer = (response) => response.writeHead(410).end();
  await subscribe('hook');
  await happen();
  const data = await logWith(1);
  expect(data[0]).toMatchObject({ state: 'failed', attempts: [{ status: 410 }] });
  expect(data[0]?.nextAttemptAt).toBeUndefined();
  clock.advance(3 * day);
  await settled();
  expect(receivedAt('hook')).toHaveLength(1);

  answer = (response) => response.writeHead(204).end();
  const retried = await call('POST', `/webhook-deliveries/${data[0]?.id}/retry`);
  expect(retried).toMatchObject({ status: 200, data: [{ state: 'pending' }] });
  await logWith(2);
  const read = await call('GET', `/webhook-deliveries/${data[0]?.id}`);
  expect(read.data).toMatchObject([
    {
      state: 'delivered',
      payload: syncCompleted,
      attempts: [{ status: 410 }, { status: 204 }],
    },
  ]);
  expect(new Set(idsAt('hook')).size).toBe(1);
});

test.each([
  ['at a private address', () => 'https://10.0.0.1/', 'no_public_address'],
  ['at this machine', () => `https://127.0.0.1:${target.port}/`, 'no_public_address'],
  ['at no address', () => 'https://hooks.invalid/', 'no_public_address'],
  ['at a closed port', () => 'https://localhost:1/', 'connection_failed'],
])('an endpoint %s is tried again, and the log says why (SEC-45)', async (_, url, failure) => {
  await register([{ url: url(), events: ['syncCompleted'] }]);
  const before = target.connections();
  await happen();
  const data = await logWith(1);
  expect(data).toMatchObject([{ state: 'pending', attempts: [{ failure }] }]);
  expect(data[0]?.nextAttemptAt).toBeDefined();
  expect(target.connections()).toBe(before);
});

test('an answer without end is an answer', async () => {
  answer = (response) => {
    const more = () => !response.destroyed && response.write(Buffer.alloc(65_536), more);
    more();
  };
  await subscribe('hook');
  await happen();
  expect(await logWith(1)).toMatchObject([{ state: 'delivered' }]);
});

test('a connection that breaks is tried again', async () => {
  answer = (response) => response.destroy();
  await subscribe('hook');
  await happen();
  expect(await logWith(1)).toMatchObject([
    { state: 'pending', attempts: [{ failure: 'connection_failed' }] },
  ]);
});

test('the slow endpoints of one client keep no other waiting', async () => {
  let atOnce = 0;
  let most = 0;
  const enough = Promise.withResolvers<void>();
  answer = async (response, { url }) => {
    if (!url?.endsWith('/slow')) return response.end();
    most = Math.max(most, ++atOnce);
    response.on('close', () => atOnce--);
    await enough.promise;
    return response.end();
  };
  const slow = ['a/slow', 'b/slow', 'c/slow', 'd/slow'];
  await subscribe(...slow);
  const slowClient = clientId;
  clientId = randomUUID();
  await subscribe('quick');
  await happen(3, { clientId: slowClient, userId });
  await happen(12);
  await eventually(() => {
    clock.advance(0.2);
    expect(receivedAt('quick')).toHaveLength(12);
  });
  clientId = slowClient;
  expect(slow.flatMap(idsAt).length).toBeLessThan(12);
  enough.resolve();
  await eventually(() => {
    clock.advance(2);
    expect(slow.map((path) => new Set(idsAt(path)).size)).toEqual([3, 3, 3, 3]);
  });
  expect(most).toBe(2);
});

test('an event that is published again adds nothing', async () => {
  await subscribe('hook');
  const event: Event = {
    id: randomUUID(),
    type: 'syncCompleted',
    clientId,
    userId,
    occurredAt: new Date(clock.now()).toISOString(),
    payload: syncCompleted,
  };
  for (let round = 0; round < 3; round++) {
    await assent.storage.commit([schedule(publishEvent, event.id, new Date(clock.now()), event)]);
    await logWith(1);
    await settled();
  }
  expect(receivedAt('hook')).toHaveLength(1);
  expect(await assent.storage.count(deliveries, 'client', clientId)).toBe(1);
});

test('an endpoint that the client no longer names is sent nothing more', async () => {
  answer = (response) => response.writeHead(500).end();
  await subscribe('hook');
  await happen();
  const data = await logWith(1);
  await register([]);
  clock.advance(60);
  const later = await logWith(2);
  expect(later[0]).toMatchObject({
    state: 'failed',
    attempts: [{}, { failure: 'not_configured' }],
  });
  expect(receivedAt('hook')).toHaveLength(1);
  const retried = await call('POST', `/webhook-deliveries/${data[0]?.id}/retry`);
  expect([retried.status, retried.code]).toEqual([409, 'Conflict']);
});

test('the log is paged, narrowed by user and event, and forgotten after 30 days', async () => {
  const events: EventType[] = ['syncCompleted', 'deletedAccount'];
  await register([{ url: urlOf('hook'), events }]);
  const other = 'ffffffffffffffffffffffff';
  for (const [index, about] of [userId, other, userId].entries()) {
    await happen(1, { clientId, userId: about });
    await logWith(index + 1);
    clock.advance(1);
  }
  const at = new Date(clock.now());
  const accountId = randomUUID();
  await assent.storage.commit([report('deletedAccount', { clientId, userId }, { accountId }, at)]);
  await logWith(4);
  const list = async (query: string) => {
    const { meta, data } = await call('GET', `/webhook-deliveries?${query}`);
    return [meta, data.map((one) => [one.eventType, one.userId])];
  };
  const sync = 'syncCompleted';
  expect(await list('limit=2&offset=1')).toEqual([
    { total: 4, limit: 2, offset: 1 },
    [
      [sync, userId],
      [sync, other],
    ],
  ]);
  expect(await list(`userId=${userId}`)).toEqual([
    { total: 3, limit: 100, offset: 0 },
    [
      ['deletedAccount', userId],
      [sync, userId],
      [sync, userId],
    ],
  ]);
  expect(await list(`eventType=${sync}&limit=1`)).toEqual([
    { total: 3, limit: 1, offset: 0 },
    [[sync, userId]],
  ]);
  expect(await list(`userId=${userId}&eventType=deletedAccount&offset=1`)).toEqual([
    { total: 1, limit: 100, offset: 1 },
    [],
  ]);
  expect((await call('GET', '/webhook-deliveries?eventType=nothing')).status).toBe(400);
  // One that was tried again later is listed no longer than it can be read.
  answer = (response) => response.writeHead(500).end();
  await happen();
  await logWith(5);
  clock.advance(day);
  const retried = (await logWith(6)).find(({ attempts }) => attempts.length > 1);
  clock.advance(29 * day - 60);
  expect((await call('GET', `/webhook-deliveries/${retried?.id}`)).status).toBe(200);
  clock.advance(120);
  expect(await list('')).toEqual([{ total: 0, limit: 100, offset: 0 }, []]);
});

test("another client's deliveries do not exist", async () => {
  await subscribe('hook');
  await happen();
  const data = await logWith(1);
  const owner = clientId;
  clientId = randomUUID();
  await subscribe('hook');
  for (const id of [data[0]?.id, randomUUID()]) {
    for (const [method, path] of [
      ['GET', `/webhook-deliveries/${id}`],
      ['POST', `/webhook-deliveries/${id}/retry`],
    ] as const) {
      const { status, code, message } = await call(method, path);
      expect([status, code, message]).toEqual([404, 'NotFound', 'There is no such delivery']);
    }
  }
  for (const query of ['', `?userId=${userId}`, '?eventType=syncCompleted']) {
    expect((await call('GET', `/webhook-deliveries${query}`)).meta.total).toBe(0);
  }
  clientId = owner;
  expect(receivedAt('hook')).toHaveLength(1);
});

test('a test is sent to every endpoint, or to one, and answered with what came back', async () => {
  answer = (response, { url }) => response.writeHead(url?.endsWith('b') ? 503 : 200).end();
  await subscribe('a', 'b');
  const both = await call('POST', '/webhook-tests', {});
  expect(both.status).toBe(200);
  expect(both.data).toMatchObject([
    { url: urlOf('a'), eventType: 'webhookTest', state: 'delivered', attempts: [{ status: 200 }] },
    { url: urlOf('b'), eventType: 'webhookTest', state: 'failed', attempts: [{ status: 503 }] },
  ]);
  const one = await call('POST', '/webhook-tests', { url: urlOf('b') });
  expect(one.data).toHaveLength(1);
  const unknown = await call('POST', '/webhook-tests', { url: 'https://elsewhere.example/' });
  expect([unknown.status, unknown.code]).toEqual([400, 'BadRequest']);
  clock.advance(day);
  await logWith(3);
  expect(idsAt('a')).toHaveLength(1);
  expect(idsAt('b')).toHaveLength(2);
});

test('of two processes, each delivery is made by one', async () => {
  const { storage } = assent.configuration;
  const second = await startAssent({ outgoing, storage }, { clock });
  await subscribe('hook');
  await happen(20);
  const about = { clientId, userId };
  await second.storage.commit(
    Array.from({ length: 20 }, () =>
      report('syncCompleted', about, syncCompleted, new Date(clock.now())),
    ),
  );
  await eventually(() => {
    clock.advance(1);
    expect(receivedAt('hook').length).toBeGreaterThanOrEqual(40);
  });
  await logWith(40);
  await second.stop();
  expect(receivedAt('hook')).toHaveLength(40);
  expect(new Set(idsAt('hook')).size).toBe(40);
});
