import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { CompactEncrypt, importJWK, type JWK } from 'jose';
import { encryptionKeySetId, keySets } from '../../provider/keys/key-set-record.js';
import { createDemoLedger } from '../../sandbox/bank/create-demo-ledger.js';
import { createMovingClock } from '../adapters/support/moving-clock.js';
import { eventually } from '../support/eventually.js';
import { type RunningAssent, startAssent } from '../support/start-assent.js';
import { type Beside, startBeside } from '../support/start-beside.js';

const hour = 3600;
const clock = createMovingClock();
const algorithms = ['RSA-OAEP-256', 'ECDH-ES'];

let one: RunningAssent;
/** Another process on the same store, as far as the store can tell. */
let other: Beside;

beforeAll(async () => {
  const ledger = createDemoLedger({ clock });
  one = await startAssent({ role: 'bank' }, { clock, ledger });
  other = await startBeside(one, { clock, ledger });
});
afterAll(async () => {
  await other?.stop();
  await one?.stop();
});

/** What `/oidc/certs` has to encrypt to, as its readers see it at the moment. */
async function published(assent: Pick<RunningAssent, 'fetch'> = one): Promise<readonly JWK[]> {
  const { keys } = (await (await assent.fetch('/oidc/certs')).json()) as { keys: JWK[] };
  return keys.filter(({ use }) => use === 'enc');
}

const idsOf = (keys: readonly JWK[]) => keys.map(({ kid }) => String(kid)).sort();

/** Whether what is encrypted to a key is opened; what is in it is then refused for what it is. */
async function opens(
  assent: Pick<RunningAssent, 'fetch'>,
  jwk: JWK,
  { kid = jwk.kid, alg = jwk.kty === 'RSA' ? 'RSA-OAEP-256' : 'ECDH-ES+A256KW' } = {},
): Promise<boolean> {
  const request = await new CompactEncrypt(Buffer.from('e30.e30.e30'))
    .setProtectedHeader({ alg, enc: 'A256GCM', ...(kid !== '' && { kid }) })
    .encrypt(await importJWK(jwk, alg));
  const answer = await assent.fetch('/oidc/request', {
    method: 'POST',
    body: new URLSearchParams({ client_id: 'nobody', request }),
  });
  const { error, error_description: why } = (await answer.json()) as Record<string, string>;
  expect(answer.status).toBeLessThan(500);
  expect(error === 'invalid_request_object').toBe(why === 'could not decrypt request object');
  return error !== 'invalid_request_object';
}

const states = async () =>
  new Map((await one.encryptionKeys.list()).map(({ kid, state }) => [kid, state] as const));

test('a key is followed by the next, decrypts for what was made for it, and is destroyed', async () => {
  const first = await published();
  expect(first.map(({ kty }) => kty).sort()).toEqual(['EC', 'RSA']);
  await one.encryptionKeys.rotate();
  clock.advance(1);
  const both = await published();
  expect(both).toHaveLength(4);
  const next = both.filter(({ kid }) => !idsOf(first).includes(String(kid)));
  // The other process was asked nothing since, and opens what is encrypted to a key of this moment.
  for (const jwk of both)
    for (const assent of [other, one]) expect(await opens(assent, jwk)).toBe(true);

  clock.advance(hour + 60);
  await eventually(async () => {
    expect(idsOf(await published())).toEqual(idsOf(next));
    const known = await states();
    for (const { kid } of next) expect(known.get(String(kid))).toBe('encrypting');
    for (const { kid } of first) expect(known.get(String(kid))).toBe('retiring');
  });
  // A client's cache, and the hour that a request may live.
  for (const jwk of first) {
    for (const assent of [one, other]) {
      expect(await opens(assent, jwk)).toBe(true);
      expect(await opens(assent, jwk, { kid: '' })).toBe(true);
    }
  }
  for (const jwk of next) expect(await opens(one, jwk, { kid: '' })).toBe(true);

  clock.advance(2 * hour + 60);
  for (const jwk of first) {
    for (const assent of [one, other]) expect(await opens(assent, jwk)).toBe(false);
  }
  await eventually(async () => {
    const { value } = (await one.storage.get(keySets, encryptionKeySetId)) ?? {};
    const left = JSON.stringify(value);
    for (const { kid } of first) expect(left).not.toContain(String(kid));
  });
  for (const jwk of next) expect(await opens(one, jwk)).toBe(true);
});

test('a compromised key opens nothing from then on, and another is there', async () => {
  const before = await published();
  for (const { kid } of before) await one.encryptionKeys.revoke(String(kid));
  clock.advance(1);
  for (const assent of [one, other]) {
    const now = await published(assent);
    expect(now.map(({ kty }) => kty).sort()).toEqual(['EC', 'RSA']);
    for (const jwk of before) {
      expect(await opens(assent, jwk)).toBe(false);
      expect(await opens(assent, jwk, { kid: '' })).toBe(false);
    }
    for (const jwk of now) expect(await opens(assent, jwk)).toBe(true);
  }
  const { value } = (await one.storage.get(keySets, encryptionKeySetId)) ?? { value: { keys: [] } };
  for (const key of value.keys) {
    if (key.revokedAt !== undefined) expect(key).not.toHaveProperty('privateHalf');
  }
});

test('one algorithm is rotated alone, by two processes at once too', async () => {
  const before = await one.encryptionKeys.list();
  await Promise.all([one.encryptionKeys.rotate('ECDH-ES'), other.encryptionKeys.rotate('ECDH-ES')]);
  const made = (await one.encryptionKeys.list()).filter(({ kid }) =>
    before.every((key) => key.kid !== kid),
  );
  expect(made).toMatchObject([{ algorithm: 'ECDH-ES', state: 'published', heldBy: 'store' }]);
  await expect(one.encryptionKeys.rotate('RSA1_5')).rejects.toThrow(algorithms.join(', '));
});

test('what names a key that nobody has is refused', async () => {
  const [key] = await published();
  if (!key) throw new TypeError('no key');
  expect(await opens(one, key, { kid: 'nobody' })).toBe(false);
});
