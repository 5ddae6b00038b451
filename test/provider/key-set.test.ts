import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  algorithmsDue,
  type KeyPolicy,
  type KeySet,
  nextChange,
  nextOf,
  publishedKeys,
  retireOthers,
  revoke,
  settle,
  signerOf,
  startOf,
  stateOf,
} from '../../provider/keys/key-set.js';

const hour = 3600;
const life = 2 * hour;
const policy: KeyPolicy = {
  algorithms: ['ES256', 'PS256'],
  publishBefore: hour,
  rotateEvery: 90 * 24 * hour,
  publishAfter: life + hour,
  heldBy: 'store',
};
const start = Date.parse('2026-01-01T00:00:00.000Z');
const at = (seconds: number) => new Date(start + seconds * 1000);

let number = 0;
/** As the manager adds keys, without making any. */
function add(set: KeySet, algorithms: readonly string[], now: Date, elsewhere = false): KeySet {
  const made = algorithms.map((algorithm) => {
    const kid = `key-${++number}`;
    return {
      kid,
      algorithm,
      publicJwk: { kty: 'EC' },
      privateHalf: elsewhere ? { externalId: kid } : { jwk: { kty: 'EC', d: 'secret' } },
      createdAt: now.toISOString(),
      signsFrom: startOf(set, algorithm, policy, now),
    };
  });
  return { keys: [...set.keys, ...made] };
}

const first = () => add({ keys: [] }, policy.algorithms, at(0));
const rotate = (set: KeySet, now: Date) =>
  add(
    set,
    policy.algorithms.filter((algorithm) => !nextOf(set, algorithm, now)),
    now,
  );
const shown = (set: KeySet, now: Date) =>
  publishedKeys(set, policy.algorithms, now).map(({ key }) => key.kid);
const signer = (set: KeySet, now: Date, algorithm = 'ES256') => {
  const key = signerOf(set, algorithm, now);
  if (!key) throw new Error(`nothing signs with ${algorithm}`);
  return key;
};

test('the first keys sign at once; the next are published an hour before they do', () => {
  const set = first();
  const old = signer(set, at(0));
  const rotated = rotate(set, at(10));
  const next = nextOf(rotated, 'ES256', at(10));
  expect(shown(rotated, at(10))).toContain(next?.kid);
  expect(signer(rotated, at(10 + hour - 1)).kid).toBe(old.kid);
  expect(signer(rotated, at(10 + hour)).kid).toBe(next?.kid);
  expect(stateOf(rotated, old, at(10 + hour))).toBe('retiring');
});

test('an old key stays published for all that it signed, its private half is destroyed, then it is forgotten', () => {
  const set = rotate(first(), at(0));
  const old = signer(set, at(0));
  const early = settle(set, policy, at(hour + 59)).set;
  expect(early.keys.find(({ kid }) => kid === old.kid)?.privateHalf).toBeDefined();
  const { set: settled } = settle(set, policy, at(hour + 60));
  expect(settled.keys.find(({ kid }) => kid === old.kid)).not.toHaveProperty('privateHalf');
  expect(JSON.stringify(settled.keys.find(({ kid }) => kid === old.kid))).not.toContain('secret');
  expect(shown(settled, at(hour + life + hour - 1))).toContain(old.kid);
  expect(shown(settled, at(hour + life + hour))).not.toContain(old.kid);
  expect(settle(settled, policy, at(hour + life + hour)).set.keys).toHaveLength(2);
});

test('a revoked key is gone at once, and the next signs in its place', () => {
  const set = rotate(first(), at(0));
  const old = signer(set, at(5));
  const next = nextOf(set, 'ES256', at(5));
  const revoked = revoke(set, old.kid, policy, at(5));
  expect(shown(revoked, at(5))).not.toContain(old.kid);
  expect(signer(revoked, at(5)).kid).toBe(next?.kid);
  expect(JSON.stringify(revoked.keys.find(({ kid }) => kid === old.kid))).not.toContain('secret');
});

test('revoking the key that signs does not bring back the one before it', () => {
  const set = rotate(first(), at(0));
  const [before, now] = [signer(set, at(0)), signer(set, at(hour))];
  const revoked = revoke(set, now.kid, policy, at(hour + 1));
  expect(signerOf(revoked, 'ES256', at(hour + 1))).toBeUndefined();
  expect(algorithmsDue(revoked, policy, at(hour + 1))).toEqual(['ES256']);
  // It goes on being published, because what it signed is good.
  expect(shown(revoked, at(hour + 1))).toContain(before.kid);
  const replaced = add(revoked, ['ES256'], at(hour + 1));
  expect(signer(replaced, at(hour + 1)).signsFrom).toBe(at(hour + 1).toISOString());
});

test('revoking the key that comes next leaves the present one signing', () => {
  const set = rotate(first(), at(0));
  const next = nextOf(set, 'ES256', at(0));
  const revoked = revoke(set, String(next?.kid), policy, at(1));
  expect(signer(revoked, at(hour)).kid).toBe(signer(set, at(0)).kid);
});

test('revoking moves to the newest key that is where keys are to be, and leaves those after it alone', () => {
  const old = add({ keys: [] }, ['ES256'], at(0));
  const set = add(add(add(old, ['ES256'], at(1)), ['ES256'], at(2), true), ['ES256'], at(3));
  const [signing, here, there, last] = set.keys.map(({ kid }) => kid);
  const states = (heldBy: KeyPolicy['heldBy']) => {
    const after = revoke(set, String(signing), { ...policy, heldBy }, at(4));
    return after.keys.map((key) => [key.kid, stateOf(after, key, at(4))]);
  };
  expect(states('external')).toEqual([
    [signing, 'revoked'],
    [here, 'retiring'],
    [there, 'signing'],
    [last, 'published'],
  ]);
  expect(states('store')).toEqual([
    [signing, 'revoked'],
    [here, 'retiring'],
    [there, 'retiring'],
    [last, 'signing'],
  ]);
});

test('a new key never signs before one that is published already, also where it is published for less', () => {
  const set = rotate(first(), at(0));
  const brief = { ...policy, publishBefore: 60 };
  const after = startOf(set, 'ES256', brief, at(1));
  expect(Date.parse(after)).toBeGreaterThan(
    Date.parse(String(nextOf(set, 'ES256', at(1))?.signsFrom)),
  );
});

test('a key that is revoked already keeps the times of its revocation', () => {
  const set = first();
  const { kid } = signer(set, at(0));
  const revoked = revoke(set, kid, policy, at(5));
  expect(revoke(revoked, kid, policy, at(500))).toBe(revoked);
});

test('the key of an added algorithm waits to be known, and signs for those who insist', () => {
  const alone = add({ keys: [] }, ['ES256'], at(0));
  const both = add(alone, ['PS256'], at(5));
  expect(signer(both, at(5), 'PS256').signsFrom).toBe(at(5 + hour).toISOString());
});

test('keys of an algorithm that is no longer offered stay published for what they signed', () => {
  const set = first();
  const only = { ...policy, algorithms: ['PS256'] };
  const retired = settle(retireOthers(set, only, at(1)), only, at(1)).set;
  expect(signerOf(retired, 'ES256', at(1))).toBeUndefined();
  expect(
    JSON.stringify(retired.keys.filter(({ algorithm }) => algorithm === 'ES256')),
  ).not.toContain('secret');
  expect(publishedKeys(retired, ['PS256'], at(life))).toHaveLength(2);
  expect(settle(retired, only, at(life + hour + 1)).set.keys).toHaveLength(1);
});

test('rotation by age begins so early that the new key signs when the old one is of age', () => {
  const set = first();
  const due = nextChange(set, policy, at(0));
  expect(due).toEqual(at(policy.rotateEvery - hour));
  expect(algorithmsDue(set, policy, at(policy.rotateEvery - hour))).toEqual(policy.algorithms);
  expect(nextChange(set, { ...policy, rotateEvery: 0 }, at(0))).toBeUndefined();
});

test('a private half that is held elsewhere is named, to be destroyed there', () => {
  const set = add({ keys: [] }, ['ES256'], at(0), true);
  const rotated = add(set, ['ES256'], at(1), true);
  const [old] = set.keys;
  const { destroyed, set: settled } = settle(rotated, policy, at(1 + hour + 60));
  expect(destroyed).toEqual([old?.kid]);
  expect(settled.keys[0]).not.toHaveProperty('privateHalf');
  const revoked = revoke(set, String(old?.kid), policy, at(2));
  expect(settle(revoked, policy, at(2)).destroyed).toEqual([old?.kid]);
});

const step = fc.oneof(
  fc.record({ kind: fc.constant('wait' as const), seconds: fc.integer({ min: 1, max: 3 * hour }) }),
  fc.record({ kind: fc.constant('rotate' as const) }),
  fc.record({ kind: fc.constant('revoke' as const), which: fc.nat({ max: 5 }) }),
  fc.record({ kind: fc.constant('settle' as const) }),
);

test('whatever happens: one key signs, known an hour before, and what it signed can be verified', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      let set = first();
      let seconds = 0;
      const firstShown = new Map<string, number>();
      const signed = new Map<string, number>();
      const revoked = new Map<string, number>();
      let signing: string | undefined;
      let replacedInHaste = 0;

      function look(): void {
        const now = at(seconds);
        const visible = shown(set, now);
        for (const kid of visible) firstShown.set(kid, firstShown.get(kid) ?? seconds);
        const { kid, privateHalf } = signer(set, now);
        expect(privateHalf).toBeDefined();
        expect(visible).toContain(kid);
        if (kid !== signing) {
          // Never one that has signed before.
          expect(signed.has(kid)).toBe(false);
          const hasty = signing === undefined || revoked.has(signing);
          if (hasty) replacedInHaste += 1;
          else expect(seconds - (firstShown.get(kid) ?? seconds)).toBeGreaterThanOrEqual(hour);
        }
        signing = kid;
        signed.set(kid, seconds);
        for (const [old, last] of signed) {
          if (revoked.has(old)) expect(visible).not.toContain(old);
          else if (seconds < last + life) expect(visible).toContain(old);
        }
      }

      look();
      for (const { kind, ...detail } of steps) {
        if (kind === 'wait' && 'seconds' in detail) {
          // In small steps, as a busy provider signs.
          for (let left = detail.seconds; left > 0; left -= 600) {
            seconds += Math.min(left, 600);
            look();
          }
        }
        const now = at(seconds);
        if (kind === 'rotate') set = rotate(set, now);
        if (kind === 'settle') set = settle(set, policy, now).set;
        if (kind === 'revoke' && 'which' in detail) {
          const key = set.keys[detail.which % set.keys.length];
          if (key) revoked.set(key.kid, seconds);
          set = revoke(set, String(key?.kid), policy, now);
          set = add(
            set,
            policy.algorithms.filter((algorithm) => !signerOf(set, algorithm, now)),
            now,
          );
        }
        look();
      }
      expect(replacedInHaste).toBeLessThanOrEqual(1 + revoked.size);
    }),
    { numRuns: 300 },
  );
});
