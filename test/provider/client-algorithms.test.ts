import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose';
import { clients } from '../../core/clients.js';
import { createMovingClock, type MovingClock } from '../adapters/support/moving-clock.js';
import { eventually } from '../support/eventually.js';
import { seedCode, seededRedirectUri } from '../support/seed-code.js';
import { type RunningAssent, startAssent } from '../support/start-assent.js';
import { type Beside, startBeside } from '../support/start-beside.js';

const hour = 3600;
const secret = 'a-secret-of-the-test-that-is-long-enough';

const describeClient = (client_id: string, algorithm?: string) => ({
  client_id,
  client_secret: secret,
  profile: 'identity-service',
  token_endpoint_auth_method: 'client_secret_basic',
  grant_types: ['authorization_code'],
  redirect_uris: [seededRedirectUri],
  ...(algorithm && {
    id_token_signed_response_alg: algorithm,
    authorization_signed_response_alg: algorithm,
    introspection_signed_response_alg: algorithm,
  }),
});

let clock: MovingClock;
let first: RunningAssent;
const others: Beside[] = [];

beforeEach(async () => {
  clock = createMovingClock();
  first = await startAssent({ clients: [describeClient('settled')] }, { clock });
});
afterEach(async () => {
  for (const other of others.splice(0)) await other.stop();
  await first.stop();
});

type Settings = Parameters<typeof startBeside>[2];

/** As if the operator had changed the file and started again. */
async function startWith(settings: Settings): Promise<Beside> {
  const other = await startBeside(first, { clock }, settings);
  others.push(other);
  return other;
}

const signing = (...algorithms: ('ES256' | 'PS256' | 'RS256')[]) => ({
  signing: { ...first.configuration.signing, algorithms },
});

async function idToken(assent: Beside, clientId: string): Promise<string> {
  const { code } = await seedCode(first, { clientId, seconds: 600 }, clock);
  const response = await assent.fetch('/oidc/token', {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(`${clientId}:${secret}`).toString('base64')}`,
    },
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code,
      redirect_uri: seededRedirectUri,
    }),
  });
  expect(response.status).toBe(200);
  return String(((await response.json()) as Record<string, unknown>).id_token);
}

const algorithmOf = (token: string) => decodeProtectedHeader(token).alg;

async function certificates(assent: Beside): Promise<JSONWebKeySet> {
  return (await (await assent.fetch('/oidc/certs')).json()) as JSONWebKeySet;
}

test('another order of algorithms changes what new clients get, and nothing for those who are there', async () => {
  expect(algorithmOf(await idToken(first, 'settled'))).toBe('ES256');
  const seeds = [describeClient('settled'), describeClient('fresh')];
  const second = await startWith({ ...signing('PS256', 'ES256', 'RS256'), clients: seeds });
  expect(algorithmOf(await idToken(second, 'settled'))).toBe('ES256');
  expect(algorithmOf(await idToken(second, 'fresh'))).toBe('PS256');
  const stored = await first.storage.get(clients, 'settled');
  expect(stored?.value).toMatchObject({ id_token_signed_response_alg: 'ES256' });

  // Nor does a start more write anything.
  const { version } = stored ?? {};
  await startWith({ ...signing('RS256', 'PS256', 'ES256'), clients: seeds });
  expect((await first.storage.get(clients, 'settled'))?.version).toBe(version);
});

test('an algorithm that clients receive cannot be left out; a few of them are named', async () => {
  await expect(startWith(signing('PS256'))).rejects.toThrow(
    'signing.algorithms: leaves out ES256, which signs what these clients receive: settled (id_token_signed_response_alg, authorization_signed_response_alg, introspection_signed_response_alg); move them to another first (docs/keys.md)',
  );
  const seeds = Array.from({ length: 8 }, (_, index) => describeClient(`client-${index}`));
  await startWith({ clients: seeds });
  await expect(startWith({ ...signing('PS256'), clients: [] })).rejects.toThrow(
    /receive: client-0 \(.+\), client-1 .+ client-2 .+ client-3 .+ client-4 \([a-z_, ]+\) and others; move/,
  );
  expect((await certificates(first)).keys.map(({ alg }) => alg)).toContain('ES256');
});

test('clients who are moved get the other; what they had can be verified until it has ended', async () => {
  const before = await idToken(first, 'settled');
  const moved = { ...signing('PS256'), clients: [describeClient('settled', 'PS256')] };
  const second = await startWith(moved);
  const after = await idToken(second, 'settled');
  expect(algorithmOf(after)).toBe('PS256');
  const keys = createLocalJWKSet(await certificates(second));
  const currentDate = new Date(clock.now());
  for (const token of [before, after]) await jwtVerify(token, keys, { currentDate });
  expect((await second.keys.list()).filter(({ algorithm }) => algorithm === 'ES256')).toMatchObject(
    [{ state: 'retiring' }],
  );
  clock.advance(3 * hour);
  await eventually(async () => {
    const { keys: left } = await certificates(second);
    expect(left.filter(({ use }) => use === 'sig').map(({ alg }) => alg)).toEqual(['PS256']);
  });
});
