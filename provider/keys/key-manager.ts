import { z } from 'zod';
import type { Clock } from '../../core/clock.js';
import { handleJob, type JobHandler, type JobKind, schedule, unschedule } from '../../core/job.js';
import type { Logger } from '../../core/logger.js';
import { retryConflict } from '../../core/retry-conflict.js';
import { insert, type Storage, StorageConflict, update } from '../../core/storage.js';
import {
  algorithmsDue,
  type KeyPolicy,
  type KeySet,
  type KeyState,
  nextChange,
  nextOf,
  retireOthers,
  revoke,
  type SigningKeyRecord,
  settle,
  signerOf,
  startOf,
  stateOf,
} from './key-set.js';
import { keySetId, keySets, readKeySet } from './key-set-record.js';
import type { KeySigner } from './key-signer.js';
import { forgetKey, makeKey } from './make-key.js';

/** A key as an operator sees it; nothing of it is secret. */
export interface KeyView
  extends Pick<SigningKeyRecord, 'kid' | 'algorithm' | 'createdAt' | 'signsFrom'> {
  readonly state: KeyState;
  readonly publishedUntil: string | undefined;
  readonly revokedAt: string | undefined;
  readonly heldBy: 'store' | 'external' | 'nobody';
}

/** What changes the provider's keys. Every running process follows within a second. */
export interface KeyManager {
  list(): Promise<readonly KeyView[]>;
  /**
   * Publishes the next key of each algorithm, or of one; it signs after `signing.publishBefore`. Where
   * one is published already, nothing is done.
   * @throws RangeError for an algorithm that is not among the settings.
   */
  rotate(algorithm?: string): Promise<readonly KeyView[]>;
  /**
   * Takes a key away at once; where it was signing, the next one signs from now on, a new one if need be.
   * @throws RangeError where there is no such key; Error where no new key could be made, after the
   * revocation has taken effect: nothing is signed with that algorithm until there is one.
   */
  revoke(kid: string): Promise<readonly KeyView[]>;
  /**
   * At the start of a process: makes the keys that are missing, and ends those of algorithms that are no
   * longer offered. Processes that start at once end with the same keys.
   * @throws Error with one sentence where a key in use cannot sign here.
   */
  prepare(): Promise<void>;
  /** When somebody has to see to these keys next. */
  nextChange(set: KeySet): Date | undefined;
  readonly handler: JobHandler;
}

interface KeyManagerDeps {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly policy: KeyPolicy;
  readonly signer: KeySigner | undefined;
}

/** Sees to it that keys rotate, and that private halves of old ones are destroyed. */
const keepKeys: JobKind<Record<string, never>> = {
  name: 'keep-signing-keys',
  data: z.strictObject({}),
};

/** See {@link KeyManager}. */
export function createKeyManager(deps: KeyManagerDeps): KeyManager {
  const { storage, clock, logger, policy, signer } = deps;
  const now = () => new Date(clock.now());
  const due = (set: KeySet) => nextChange(set, policy, now());

  /** Adds keys for algorithms, made where new keys are made: all of them or none. */
  async function addKeys(set: KeySet, algorithms: readonly string[]): Promise<KeySet> {
    const createdAt = now().toISOString();
    const outcomes = await Promise.allSettled(
      algorithms.map((algorithm) =>
        makeKey(algorithm, signer, {
          createdAt,
          signsFrom: startOf(set, algorithm, policy, now()),
        }),
      ),
    );
    const made = outcomes.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    const failed = outcomes.find((one) => one.status === 'rejected');
    if (!failed) return { keys: [...set.keys, ...made] };
    await forget(made);
    throw failed.reason;
  }

  /** Reads, decides and stores, again where another process was first; then the others' keys count. */
  function change(
    decide: (set: KeySet) => Promise<KeySet>,
    { reschedule }: { readonly reschedule: boolean } = { reschedule: true },
  ): Promise<KeySet> {
    return retryConflict(async () => {
      const stored = await readKeySet(storage);
      const before = stored?.value ?? { keys: [] };
      const after = await decide(before);
      const next = due(after);
      const job = next ? schedule(keepKeys, keySetId, next, {}) : unschedule(keepKeys, keySetId);
      const write = stored ? update(keySets, stored, after) : insert(keySets, keySetId, after);
      try {
        await storage.commit([...(after === before ? [] : [write]), ...(reschedule ? [job] : [])]);
      } catch (error) {
        if (error instanceof StorageConflict) await forget(added(before, after));
        throw error;
      }
      report(before, after);
      return after;
    });
  }

  /** Keys that were never published, because another process was first or one could not be made. */
  async function forget(keys: readonly SigningKeyRecord[]): Promise<void> {
    for (const key of keys) {
      await forgetKey(key, signer).catch((cause) =>
        logger.warn({ kid: key.kid, cause }, 'unused signing key not destroyed'),
      );
    }
  }

  function report(before: KeySet, after: KeySet): void {
    for (const { kid, algorithm, signsFrom } of added(before, after)) {
      logger.info({ kid, algorithm, signsFrom }, 'signing key published');
    }
    for (const { kid, algorithm, revokedAt } of after.keys) {
      const old = before.keys.find((key) => key.kid === kid);
      if (revokedAt !== undefined && old?.revokedAt === undefined) {
        logger.warn({ kid, algorithm }, 'signing key revoked');
      }
    }
    for (const { kid, algorithm } of added(after, before)) {
      logger.info({ kid, algorithm }, 'signing key forgotten');
    }
  }

  const keep = () =>
    change(
      async (set) => {
        const settled = settle(set, policy, now());
        for (const id of settled.destroyed) await destroy(id);
        return addKeys(settled.set, algorithmsDue(settled.set, policy, now()));
      },
      { reschedule: false },
    );

  /** Algorithms whose newest key is not where keys are to be; also those without any. */
  const misplaced = (set: KeySet) =>
    policy.algorithms.filter((algorithm) => {
      const newest = nextOf(set, algorithm, now()) ?? signerOf(set, algorithm, now());
      return heldBy(newest) !== (signer ? 'external' : 'store');
    });

  /** @throws where its holder is away: the job is done again. */
  async function destroy(externalId: string): Promise<void> {
    if (signer) await signer.destroyKey(externalId);
    else logger.warn({ externalId }, 'a signing key stays with an external signer that is gone');
  }

  const views = (set: KeySet) => set.keys.map((key) => toView(set, key, now()));

  return {
    list: async () => views((await readKeySet(storage))?.value ?? { keys: [] }),

    async rotate(algorithm) {
      if (algorithm !== undefined) assertKnown(algorithm, policy.algorithms);
      const wanted = algorithm === undefined ? policy.algorithms : [algorithm];
      const set = await change(async (before) => {
        const missing = wanted.filter((name) => !nextOf(before, name, now()));
        return missing.length === 0 ? before : addKeys(before, missing);
      });
      return views(set);
    },

    async revoke(kid) {
      let failure: unknown;
      const set = await change(async (before) => {
        if (!before.keys.some((key) => key.kid === kid)) {
          throw new RangeError(`There is no signing key ${kid}`);
        }
        const after = revoke(before, kid, policy, now());
        const missing = policy.algorithms.filter((name) => !signerOf(after, name, now()));
        try {
          failure = undefined;
          return await addKeys(after, missing);
        } catch (error) {
          failure = error;
          return after;
        }
      });
      if (failure === undefined) return views(set);
      throw new Error(
        `${kid} is revoked, but no new key could be made: nothing is signed with its algorithm until one is`,
        { cause: failure },
      );
    },

    async prepare() {
      await change(async (before) => {
        assertUsable(before, deps, now());
        const set = retireOthers(before, policy, now());
        try {
          return await addKeys(set, misplaced(set));
        } catch (cause) {
          // What has a key is served; what has none is refused, and tried again as a job.
          if (set.keys.length === 0) throw cause;
          logger.error({ cause }, 'no new signing keys could be made');
          return set;
        }
      });
    },

    nextChange: due,
    handler: handleJob(keepKeys, async () => {
      const next = due(await keep());
      return { writes: [], ...(next && { again: { due: next } }) };
    }),
  };
}

/** The keys of `after` that are not in `before`. */
function added(before: KeySet, after: KeySet): readonly SigningKeyRecord[] {
  return after.keys.filter(({ kid }) => before.keys.every((key) => key.kid !== kid));
}

function toView(set: KeySet, key: SigningKeyRecord, now: Date): KeyView {
  const { kid, algorithm, createdAt, signsFrom, publishedUntil, revokedAt } = key;
  const state = stateOf(set, key, now);
  return {
    ...{ kid, algorithm, state, createdAt, signsFrom, publishedUntil, revokedAt },
    heldBy: heldBy(key),
  };
}

function heldBy(key: SigningKeyRecord | undefined): KeyView['heldBy'] {
  if (!key?.privateHalf) return 'nobody';
  return 'jwk' in key.privateHalf ? 'store' : 'external';
}

function assertKnown(algorithm: string, algorithms: readonly string[]): void {
  if (!algorithms.includes(algorithm)) {
    throw new RangeError(`${algorithm} is not among signing.algorithms: ${algorithms.join(', ')}`);
  }
}

/** Another key must not take the place of one that cannot sign here. */
function assertUsable(
  set: KeySet,
  { policy, signer }: Pick<KeyManagerDeps, 'policy' | 'signer'>,
  now: Date,
): void {
  for (const algorithm of policy.algorithms) {
    for (const key of [signerOf(set, algorithm, now), nextOf(set, algorithm, now)]) {
      if (heldBy(key) === 'external' && !signer) {
        throw new Error(
          `The ${algorithm} signing key ${key?.kid} is held by an external signer: set signing.external again, or revoke the key`,
        );
      }
    }
  }
}
