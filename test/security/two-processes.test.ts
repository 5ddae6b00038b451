import { type ChildProcess, fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Agent, buildConnector, type RequestInit, fetch as undiciFetch } from 'undici';
import { createClientKeys } from '../support/client-keys.js';
import { createDpopKey, createFapiClient, type FapiClient } from '../support/fapi-client.js';
import { freePort } from '../support/free-port.js';
import { seedCode, seededRedirectUri } from '../support/seed-code.js';
import { type RunningAssent, startAssent } from '../support/start-assent.js';

/* What works once works once in two processes on one store, under fifty attempts at the same moment. */

const attempts = 50;
let assent: RunningAssent;
let other: ChildProcess;
let agent: Agent;
let here: FapiClient;
let there: FapiClient;
let fetchThere: RunningAssent['fetch'];
const keysOf = { app: await createClientKeys() };

beforeAll(async () => {
  assent = await startAssent({
    clients: [
      {
        client_id: 'app',
        grant_types: ['authorization_code', 'client_credentials'],
        response_types: ['code'],
        redirect_uris: [seededRedirectUri],
        token_endpoint_auth_method: 'private_key_jwt',
        dpop_bound_access_tokens: true,
        jwks: keysOf.app.jwks,
      },
    ],
  });
  const [browser, mtls] = [await freePort(), await freePort()];
  const { host } = assent.configuration.listen.browser;
  other = fork(join(import.meta.dirname, 'support/serve-beside.mjs'), {
    execArgv: [],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  other.send({
    ...assent.configuration,
    listen: { browser: { host, port: browser }, mtls: { host, port: mtls } },
  });
  await once(other, 'message');
  const connect = buildConnector({ ca: await readFile(assent.authority.certificate, 'utf8') });
  agent = new Agent({
    connect: (target, callback) => connect({ ...target, port: String(browser) }, callback),
  });
  // The same addresses, as behind a load balancer.
  fetchThere = (url: string, init: RequestInit = {}) =>
    undiciFetch(new URL(url, assent.configuration.publicUrl), {
      redirect: 'manual',
      dispatcher: agent,
      ...init,
    });
  here = createFapiClient(assent, 'app', keysOf.app);
  there = createFapiClient({ ...assent, fetch: fetchThere }, 'app', keysOf.app);
});

afterAll(async () => {
  if (other?.exitCode === null) {
    other.kill();
    await once(other, 'exit');
  }
  await agent?.destroy();
  await assent?.stop();
});

/** Asks both processes in turn, all at once. @returns how often each status came. */
async function race(ask: (client: FapiClient, attempt: number) => Promise<{ status: number }>) {
  const answers = await Promise.all(
    Array.from({ length: attempts }, (_, attempt) => ask(attempt % 2 ? here : there, attempt)),
  );
  const counts = new Map<number, number>();
  for (const { status } of answers) counts.set(status, (counts.get(status) ?? 0) + 1);
  return Object.fromEntries(counts);
}

test('one code (SEC-04)', async () => {
  const key = await createDpopKey();
  const { code } = await seedCode(assent, { clientId: 'app' });
  const url = `${assent.issuer}/token`;
  const form = { grant_type: 'authorization_code', code, redirect_uri: seededRedirectUri };
  expect(await race(async (client) => client.token(form, await key.header('POST', url)))).toEqual({
    200: 1,
    400: attempts - 1,
  });
});

test('one client assertion (SEC-37)', async () => {
  const key = await createDpopKey();
  const url = `${assent.issuer}/token`;
  const form = {
    ...(await keysOf.app.assertion('app', assent.issuer)),
    grant_type: 'client_credentials',
    scope: 'user:read',
  };
  expect(
    await race(async (client) => client.post('/oidc/token', form, await key.header('POST', url))),
  ).toEqual({ 200: 1, 401: attempts - 1 });
});

test('one DPoP proof, at the token endpoint and at a resource (SEC-27)', async () => {
  const key = await createDpopKey();
  const proof = await key.header('POST', `${assent.issuer}/token`);
  const form = { grant_type: 'client_credentials', scope: 'user:read' };
  expect(await race((client) => client.token(form, proof))).toEqual({ 200: 1, 400: attempts - 1 });

  const fresh = await key.header('POST', `${assent.issuer}/token`);
  const { body } = await here.token(form, fresh);
  const url = `${assent.configuration.publicUrl}/users`;
  const token = String(body.access_token);
  const ath = createHash('sha256').update(token).digest('base64url');
  const headers = { authorization: `DPoP ${token}`, ...(await key.header('GET', url, { ath })) };
  expect(
    await race(async (client) =>
      (client === here ? assent.fetch : fetchThere)('/users', { headers }),
    ),
  ).toEqual({ 200: 1, 401: attempts - 1 });
});
