import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { importJWK, SignJWT } from 'jose';
import { z } from 'zod';
import type { SandboxClientName } from '../../sandbox/tpp-document.js';
import { type RunningSandbox, startSandbox } from '../e2e/start-sandbox.js';
import { freePort } from '../support/free-port.js';

let directory: string;
let sandbox: RunningSandbox;
/** A developer's own, with a certificate of the sandbox; it fails whatever it is told. */
let endpoint: Server;
const toldOf: string[] = [];
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'assent-events-'));
  const port = await freePort();
  const hooks = new URL(`https://localhost:${port}/hooks`);
  sandbox = await startSandbox(directory, undefined, [hooks]);
  const [cert, key] = await Promise.all(
    ['server.pem', 'server.key'].map((name) => readFile(join(directory, 'certificates', name))),
  );
  endpoint = createServer({ cert, key }, async (request, response) => {
    toldOf.push(await text(request));
    response.writeHead(500).end();
  }).listen(port, '127.0.0.1');
});
afterAll(async () => {
  endpoint.close();
  await sandbox.stop();
  await rm(directory, { recursive: true, force: true });
});

/** A signed statement of a client, with its own key. */
async function sign(name: SandboxClientName, claims: object): Promise<string> {
  const [jwk] = sandbox.client(name).jwks.keys;
  if (jwk?.alg === undefined) throw new TypeError('no key');
  return new SignJWT({ ...claims })
    .setProtectedHeader({ alg: jwk.alg, kid: jwk.kid ?? '' })
    .sign(await importJWK(jwk));
}

async function testWebhooks(name: 'identity-service' | 'identity-service-own-consent') {
  const { client_id: id, client_secret: secret } = sandbox.client(name);
  const now = Math.floor(Date.now() / 1000);
  const times = { iat: now, exp: now + 60, jti: randomUUID() };
  const authentication: Record<string, string> = secret
    ? {}
    : {
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: await sign(name, { iss: id, sub: id, aud: sandbox.tpp.issuer, ...times }),
      };
  const granted = await sandbox.fetch(`${sandbox.tpp.issuer}/token`, {
    method: 'POST',
    headers: {
      ...(secret && { authorization: `Basic ${btoa(`${id}:${secret}`)}` }),
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      scope: 'webhooks:write',
      ...authentication,
    }).toString(),
  });
  const { access_token: token } = z
    .object({ access_token: z.string() })
    .parse(await granted.json());
  const answer = await sandbox.fetch(`${sandbox.urls.assent}/webhook-tests`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: '{}',
  });
  return answer.json();
}

async function readEvents(): Promise<string> {
  return (await sandbox.fetch(`${sandbox.urls.tpp}/events`)).text();
}

function post(name: string, contentType: string, body: string) {
  return sandbox.fetch(`${sandbox.urls.tpp}/webhooks/${name}`, {
    method: 'POST',
    headers: { 'content-type': contentType },
    body,
  });
}

test('the TPP application shows what its clients are told, a signed token verified', async () => {
  expect(await readEvents()).toContain('nothing yet');
  for (const name of ['identity-service', 'identity-service-own-consent'] as const) {
    expect(await testWebhooks(name)).toMatchObject({
      data: [
        { state: 'delivered', attempts: [{ status: 204 }] },
        { state: 'failed', attempts: [{ status: 500 }] },
      ],
    });
  }
  expect(toldOf).toEqual([
    expect.stringContaining('"eventType":"webhookTest"'),
    expect.stringMatching(/^eyJ/),
  ]);
  const page = await readEvents();
  expect(page).toContain('webhookTest');
  expect(page).toContain('webhook-test');
  expect(page).toContain('Security event token, verified');
  expect(page).toContain('urn:com:moneyhub:events:webhook-test');
});

test('it takes nothing that is not of Assent, and nothing for another of its clients', async () => {
  const name = 'identity-service-own-consent';
  const forged = await sign(name, {
    iss: sandbox.urls.assent,
    aud: sandbox.client(name).client_id,
    jti: 'forged',
    sub: 'nobody',
    iat: Math.floor(Date.now() / 1000),
    events: { 'urn:com:moneyhub:events:forged': {} },
  });
  const [real = ''] = /eyJ[\w-]+\.[\w-]+\.[\w-]+/.exec(await readEvents()) ?? [];
  expect(real).not.toBe('');
  const answers = await Promise.all([
    post(name, 'application/jwt', forged),
    post('fapi2-security', 'application/jwt', real),
    post(name, 'application/json', '{"id":1}'),
    post(name, 'application/json', 'nonsense'),
    post(name, 'application/json', 'x'.repeat(600_000)),
    post('nobody', 'application/json', '{}'),
  ]);
  expect(answers.map(({ status }) => status)).toEqual([400, 400, 400, 400, 400, 404]);
  expect(await readEvents()).not.toContain('forged');
});
