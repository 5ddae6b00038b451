import type { JWK } from 'jose';
import type { KeyState, KeyView } from '../../core/key-administration.js';

/**
 * One of the provider's keys. It is published, signs once caches know it, is published for as long as
 * anything it signed is valid, and is forgotten; or revoked before that, and gone at once. Everything but
 * the last steps follows from its times, so that all processes take them together.
 *
 * A key that clients encrypt to lives by the same times: where another signs it is encrypted to, and
 * once it made way it is shown no more but decrypts, as long as anything encrypted to it is valid.
 */
export interface SigningKeyRecord {
  /** RFC 7638 thumbprint. */
  readonly kid: string;
  readonly algorithm: string;
  readonly publicJwk: JWK;
  /** Absent once it was destroyed. */
  readonly privateHalf?: PrivateHalf;
  /** ISO 8601, as all times here. */
  readonly createdAt: string;
  readonly signsFrom: string;
  /** Set when it will not sign again: from then on it is forgotten. */
  readonly publishedUntil?: string;
  readonly revokedAt?: string;
}

/** A private key: here, as JWK, sealed like every record; or the name of one that is held elsewhere. */
export type PrivateHalf = { readonly jwk: JWK } | { readonly externalId: string };

/** All signing keys, in one record so that one compare-and-set decides between two processes. */
export interface KeySet {
  readonly keys: readonly SigningKeyRecord[];
}

/** How keys come and go. All times in seconds. */
export interface KeyPolicy {
  readonly algorithms: readonly string[];
  readonly publishBefore: number;
  /** 0: only by hand. */
  readonly rotateEvery: number;
  /** The longest life of what a key signs or decrypts, and the caches that learn of it. */
  readonly publishAfter: number;
  /** Where new keys are made. */
  readonly heldBy: 'store' | 'external';
}

/** The keys that clients encrypt to: one for RSA, one for both ways of ECDH-ES (RFC 7518 §4.3, §4.6). */
export const encryptionAlgorithms = ['RSA-OAEP-256', 'ECDH-ES'] as const;

/** Whether it is a key that clients encrypt to. */
export function isForEncryption({ algorithm }: Pick<SigningKeyRecord, 'algorithm'>): boolean {
  return encryptionAlgorithms.some((name) => name === algorithm);
}

/** How far the clocks of processes may differ before one finds its signing key destroyed (seconds). */
const lag = 60;

/**
 * The key that an algorithm signs with: of those that may, the last whose time has come. Where none has
 * come, as with an algorithm that was only just added, the first, for refusing would help nobody.
 */
export function signerOf(
  { keys }: KeySet,
  algorithm: string,
  now: Date,
): SigningKeyRecord | undefined {
  const able = keys
    .filter((key) => key.algorithm === algorithm && canSign(key))
    .sort((one, other) => one.signsFrom.localeCompare(other.signsFrom));
  return able.findLast(({ signsFrom }) => hasCome(signsFrom, now)) ?? able[0];
}

/** The key that is published to sign next, where there is one. */
export function nextOf(set: KeySet, algorithm: string, now: Date): SigningKeyRecord | undefined {
  return upcoming(set, algorithm, now)[0];
}

/** The key that signs once nothing more is to change. */
export function newestOf(set: KeySet, algorithm: string, now: Date): SigningKeyRecord | undefined {
  return upcoming(set, algorithm, now).at(-1) ?? signerOf(set, algorithm, now);
}

/** The keys that are published to sign, in that order. */
function upcoming(set: KeySet, algorithm: string, now: Date): readonly SigningKeyRecord[] {
  return set.keys
    .filter((key) => key.algorithm === algorithm && stateOf(set, key, now) === 'published')
    .sort((one, other) => one.signsFrom.localeCompare(other.signsFrom));
}

/** Where its private half is. */
export function heldBy(key: SigningKeyRecord | undefined): KeyView['heldBy'] {
  if (!key?.privateHalf) return 'nobody';
  return 'jwk' in key.privateHalf ? 'store' : 'external';
}

export function stateOf(set: KeySet, key: SigningKeyRecord, now: Date): KeyState {
  if (key.revokedAt !== undefined) return 'revoked';
  if (key.publishedUntil !== undefined) {
    return hasCome(key.publishedUntil, now) ? 'retired' : 'retiring';
  }
  if (signerOf(set, key.algorithm, now)?.kid === key.kid) return 'signing';
  return hasCome(key.signsFrom, now) ? 'retiring' : 'published';
}

/**
 * The keys that `/oidc/certs` shows: those that sign, in the order of `algorithms`, then the others. To
 * one that made way nobody is to encrypt any more.
 */
export function publishedKeys(
  set: KeySet,
  algorithms: readonly string[],
  now: Date,
): readonly { readonly key: SigningKeyRecord; readonly signs: boolean }[] {
  const order = (algorithm: string) => {
    const place = algorithms.indexOf(algorithm);
    return place < 0 ? algorithms.length : place;
  };
  return set.keys
    .map((key) => ({ key, state: stateOf(set, key, now) }))
    .filter(
      ({ key, state }) =>
        ['published', 'signing'].includes(state) || (state === 'retiring' && !isForEncryption(key)),
    )
    .map(({ key, state }) => ({ key, signs: state === 'signing' }))
    .sort(
      (one, other) =>
        Number(other.signs) - Number(one.signs) ||
        order(one.key.algorithm) - order(other.key.algorithm),
    );
}

/** The keys that something valid may be encrypted to, the newest first. */
export function decryptingKeys({ keys }: KeySet, now: Date): readonly SigningKeyRecord[] {
  return keys
    .filter(isForEncryption)
    .filter(({ publishedUntil }) => publishedUntil === undefined || !hasCome(publishedUntil, now))
    .sort((one, other) => other.signsFrom.localeCompare(one.signsFrom));
}

/** The algorithms that need a new key now: without one, or with one that is old enough. */
export function algorithmsDue(set: KeySet, policy: KeyPolicy, now: Date): readonly string[] {
  return policy.algorithms.filter((algorithm) => {
    const due = rotationTime(set, algorithm, policy, now);
    return due !== undefined && hasCome(due, now);
  });
}

/**
 * When a new key of an algorithm begins to sign: after it was published, if anybody may know another,
 * and after those that are published already.
 */
export function startOf(set: KeySet, algorithm: string, policy: KeyPolicy, now: Date): string {
  const isNew = set.keys.every((key) => key.algorithm !== algorithm);
  const waits = isNew ? set.keys.length > 0 : signerOf(set, algorithm, now) !== undefined;
  const known = later(now.toISOString(), waits ? policy.publishBefore : 0);
  const last = upcoming(set, algorithm, now).at(-1);
  return last && last.signsFrom >= known ? later(last.signsFrom, 1) : known;
}

/**
 * Takes a key away at once. Where it was signing, the newest that is where keys are to be takes over now,
 * and none before it comes back. One that is revoked already stays as it is.
 */
export function revoke(set: KeySet, kid: string, policy: KeyPolicy, now: Date): KeySet {
  const revoked = set.keys.find((key) => key.kid === kid);
  if (!revoked || revoked.revokedAt !== undefined) return set;
  const { algorithm } = revoked;
  const wasSigning = stateOf(set, revoked, now) === 'signing';
  const published = upcoming(set, algorithm, now);
  const next = published.findLast((key) => heldBy(key) === policy.heldBy) ?? published.at(-1);
  const following = next ? published.slice(published.indexOf(next) + 1) : [];
  const revokedAt = now.toISOString();
  const publishedUntil = later(revokedAt, policy.publishAfter);
  return {
    keys: set.keys.map((key) => {
      if (key.kid === kid) return { ...withoutSecret(key), revokedAt, publishedUntil };
      if (!wasSigning || key.algorithm !== algorithm || !canSign(key)) return key;
      if (following.includes(key)) return key;
      return key === next
        ? { ...key, signsFrom: revokedAt }
        : { ...(isForEncryption(key) ? key : withoutSecret(key)), publishedUntil };
    }),
  };
}

/** The keys of `after` that were in use, or were not there, before. */
export function newlyRevoked(before: KeySet, after: KeySet): readonly SigningKeyRecord[] {
  return after.keys.filter(({ kid, revokedAt }) => {
    const old = before.keys.find((key) => key.kid === kid);
    return revokedAt !== undefined && old?.revokedAt === undefined;
  });
}

/** Ends the keys of algorithms that are no longer offered; nobody uses them, so at once. */
export function retireOthers(set: KeySet, policy: KeyPolicy, now: Date): KeySet {
  return {
    keys: set.keys.map((key) =>
      policy.algorithms.includes(key.algorithm) || key.publishedUntil !== undefined
        ? key
        : { ...key, publishedUntil: later(now.toISOString(), policy.publishAfter) },
    ),
  };
}

/**
 * The steps that are a matter of time alone: private halves of keys that made way are destroyed, and
 * keys that nothing valid needs any more forgotten.
 * @returns also what has to be destroyed elsewhere before the set is stored.
 */
export function settle(
  set: KeySet,
  policy: KeyPolicy,
  now: Date,
): { readonly set: KeySet; readonly destroyed: readonly string[] } {
  const ended = set.keys.map((key) => {
    const signer = signerOf(set, key.algorithm, now);
    const madeWay =
      canSign(key) &&
      signer !== undefined &&
      key.signsFrom < signer.signsFrom &&
      hasCome(later(signer.signsFrom, lag), now);
    return madeWay ? { ...key, publishedUntil: later(signer.signsFrom, policy.publishAfter) } : key;
  });
  return {
    set: {
      keys: ended
        .filter(
          ({ publishedUntil }) => publishedUntil === undefined || !hasCome(publishedUntil, now),
        )
        .map((key) => {
          const { privateHalf, ...rest } = key;
          return key.publishedUntil === undefined || isForEncryption(key) ? key : rest;
        }),
    },
    destroyed: ended.flatMap(({ publishedUntil, privateHalf }) =>
      publishedUntil !== undefined && privateHalf && 'externalId' in privateHalf
        ? [privateHalf.externalId]
        : [],
    ),
  };
}

/** When there is something to do next; undefined where nothing is a matter of time. */
export function nextChange(set: KeySet, policy: KeyPolicy, now: Date): Date | undefined {
  const times = [
    ...policy.algorithms.map((algorithm) => rotationTime(set, algorithm, policy, now)),
    ...set.keys.map((key) => {
      if (key.publishedUntil !== undefined) {
        const isLeft = key.privateHalf !== undefined && !isForEncryption(key);
        return isLeft ? now.toISOString() : key.publishedUntil;
      }
      const next = nextOf(set, key.algorithm, now);
      if (stateOf(set, key, now) === 'signing') return next && later(next.signsFrom, lag);
      const signer = signerOf(set, key.algorithm, now);
      return signer && key.signsFrom < signer.signsFrom ? later(signer.signsFrom, lag) : undefined;
    }),
  ].filter((time) => time !== undefined);
  const [first] = times.sort();
  return first === undefined ? undefined : new Date(first);
}

/** When an algorithm's next key is to be made; undefined where it is there, or is not made by age. */
function rotationTime(
  set: KeySet,
  algorithm: string,
  { rotateEvery, publishBefore }: KeyPolicy,
  now: Date,
): string | undefined {
  const signer = signerOf(set, algorithm, now);
  if (!signer) return now.toISOString();
  if (rotateEvery === 0 || nextOf(set, algorithm, now)) return undefined;
  return later(signer.signsFrom, rotateEvery - publishBefore);
}

function canSign({ privateHalf, publishedUntil }: SigningKeyRecord): boolean {
  return privateHalf !== undefined && publishedUntil === undefined;
}

/** What is held elsewhere is destroyed there first, see {@link settle}. */
function withoutSecret(key: SigningKeyRecord): SigningKeyRecord {
  const { privateHalf, ...rest } = key;
  return privateHalf && 'externalId' in privateHalf ? key : rest;
}

function hasCome(time: string, now: Date): boolean {
  return Date.parse(time) <= now.getTime();
}

function later(time: string, seconds: number): string {
  return new Date(Date.parse(time) + seconds * 1000).toISOString();
}
