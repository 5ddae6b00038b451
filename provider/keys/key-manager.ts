import { z } from 'zod';
import { recordEvent } from '../../core/admin-history.js';
import type { Author } from '../../core/clients.js';
import type { Clock } from '../../core/clock.js';
import { handleJob, type JobHandler, type JobKind, schedule, unschedule } from '../../core/job.js';
import { type KeyAdministration, type KeyView, NoNewKey } from '../../core/key-administration.js';
import type { Logger } from '../../core/logger.js';
import { Refusal } from '../../core/refusal.js';
import { retryConflict } from '../../core/retry-conflict.js';
import { insert, type Storage, StorageConflict, update, type Write } from '../../core/storage.js';
import {
  algorithmsDue,
  heldBy,
  isForEncryption,
  type KeyPolicy,
  type KeySet,
  newestOf,
  newlyRevoked,
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
import { encryptionKeySetId, keySetId, keySets, readKeySet } from './key-set-record.js';
import type { KeySigner } from './key-signer.js';
import { forgetKey, makeKey } from './make-key.js';

/** What changes the provider's keys. */
export interface KeyManager extends KeyAdministration {
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
  /** The record that they are in. */
  readonly id?: typeof keySetId | typeof encryptionKeySetId;
}

/** Sees to it that keys rotate, and that private halves of old ones are destroyed. */
const keepKeysOf = (id: string): JobKind<Record<string, never>> => ({
  name: id === encryptionKeySetId ? 'keep-encryption-keys' : 'keep-signing-keys',
  data: z.strictObject({}),
});

/** See {@link KeyManager}. */
export function createKeyManager(deps: KeyManagerDeps): KeyManager {
  const { storage, clock, logger, policy, signer, id = keySetId } = deps;
  const keepKeys = keepKeysOf(id);
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
    decide: (set: KeySet) => Promise<KeySet> | KeySet,
    { by, reschedule = true }: { readonly by: Author; readonly reschedule?: boolean },
  ): Promise<KeySet> {
    return retryConflict(async () => {
      const stored = await readKeySet(storage, id);
      const before = stored?.value ?? { keys: [] };
      const after = await decide(before);
      const next = due(after);
      const job = next ? schedule(keepKeys, id, next, {}) : unschedule(keepKeys, id);
      const write = stored ? update(keySets, stored, after) : insert(keySets, id, after);
      try {
        await storage.commit([
          ...(after === before ? [] : [write]),
          ...(reschedule ? [job] : []),
          ...history(before, after, by),
        ]);
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

  /** What people ask about afterwards; the other steps follow from the times of each key. */
  function history(before: KeySet, after: KeySet, by: Author): readonly Write[] {
    const event = ({ kid, algorithm }: SigningKeyRecord, action: 'created' | 'revoked') =>
      recordEvent({ kind: 'signing_key', id: kid, action, note: algorithm, by }, now());
    return [
      ...added(before, after).map((key) => event(key, 'created')),
      ...newlyRevoked(before, after).map((key) => event(key, 'revoked')),
    ];
  }

  function report(before: KeySet, after: KeySet): void {
    for (const { kid, algorithm, signsFrom } of added(before, after)) {
      logger.info({ kid, algorithm, signsFrom }, 'key published');
    }
    for (const { kid, algorithm } of newlyRevoked(before, after)) {
      logger.warn({ kid, algorithm }, 'key revoked');
    }
    for (const { kid, algorithm } of added(after, before)) {
      logger.info({ kid, algorithm }, 'key forgotten');
    }
  }

  const keep = () =>
    change(
      async (set) => {
        const settled = settle(set, policy, now());
        for (const externalId of settled.destroyed) await destroy(externalId);
        return addKeys(settled.set, algorithmsDue(settled.set, policy, now()));
      },
      { by: bySettings, reschedule: false },
    );

  function addMissing(set: KeySet): Promise<KeySet> | KeySet {
    const missing = policy.algorithms.filter((name) => !signerOf(set, name, now()));
    return missing.length === 0 ? set : addKeys(set, missing);
  }

  /** Algorithms whose newest key is not where keys are to be; also those without any. */
  const misplaced = (set: KeySet) =>
    policy.algorithms.filter(
      (algorithm) => heldBy(newestOf(set, algorithm, now())) !== policy.heldBy,
    );

  /** @throws where its holder is away: the job is done again. */
  async function destroy(externalId: string): Promise<void> {
    if (signer) await signer.destroyKey(externalId);
    else logger.warn({ externalId }, 'a signing key stays with an external signer that is gone');
  }

  const views = (set: KeySet) => set.keys.map((key) => toView(set, key, now()));

  const read = async (): Promise<KeySet> => (await readKeySet(storage, id))?.value ?? { keys: [] };

  function wanted(algorithm: string | undefined): readonly string[] {
    if (algorithm === undefined) return policy.algorithms;
    assertKnown(algorithm, policy.algorithms);
    return [algorithm];
  }

  return {
    list: async () => views(await read()),

    async rotate(algorithm, by = byProgram) {
      const algorithms = wanted(algorithm);
      const set = await change(
        async (before) => {
          const missing = algorithms.filter((name) => !nextOf(before, name, now()));
          return missing.length === 0 ? before : addKeys(before, missing);
        },
        { by },
      );
      return views(set);
    },

    async planRotation(algorithm) {
      const set = await read();
      const next = wanted(algorithm).map((name) => ({ name, key: nextOf(set, name, now()) }));
      return {
        publishes: next.flatMap(({ name, key }) =>
          key ? [] : [{ algorithm: name, signsFrom: startOf(set, name, policy, now()) }],
        ),
        published: next.flatMap(({ key }) => (key ? [toView(set, key, now())] : [])),
      };
    },

    async planRevocation(kid) {
      const set = await read();
      const key = find(set, kid);
      const { algorithm } = key;
      if (signerOf(set, algorithm, now())?.kid !== kid) return { key: toView(set, key, now()) };
      const next = signerOf(revoke(set, kid, policy, now()), algorithm, now());
      return {
        key: toView(set, key, now()),
        ...(next && { signsNext: { kid: next.kid } }),
        ...(!next && policy.algorithms.includes(algorithm) && { signsNext: { isNew: true } }),
      };
    },

    async revoke(kid, by = byProgram) {
      const set = await change(
        async (before) => {
          find(before, kid);
          const after = revoke(before, kid, policy, now());
          // Somebody else's answer is not waited for before the key is gone; our own leaves no gap.
          return signer ? after : addMissing(after);
        },
        { by },
      );
      if (!signer) return views(set);
      try {
        return views(await change(addMissing, { by }));
      } catch (cause) {
        throw new NoNewKey(kid, { cause });
      }
    },

    async prepare() {
      await change(
        async (before) => {
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
        },
        { by: bySettings },
      );
    },

    nextChange: due,
    handler: handleJob(keepKeys, async () => {
      const next = due(await keep());
      return { writes: [], ...(next && { again: { due: next } }) };
    }),
  };
}

/** Keys that come by themselves, and those that a program which embeds Assent changes. */
const bySettings: Author = { kind: 'program', id: 'settings' };
const byProgram: Author = { kind: 'program', id: 'embedding' };

/** @throws {Refusal} `not_found` */
function find({ keys }: KeySet, kid: string): SigningKeyRecord {
  const found = keys.find((key) => key.kid === kid);
  if (!found) throw new Refusal('not_found', `There is no signing key ${kid}`);
  return found;
}

/** The keys of `after` that are not in `before`. */
function added(before: KeySet, after: KeySet): readonly SigningKeyRecord[] {
  return after.keys.filter(({ kid }) => before.keys.every((key) => key.kid !== kid));
}

function toView(set: KeySet, key: SigningKeyRecord, now: Date): KeyView {
  const { kid, algorithm, createdAt, signsFrom, publishedUntil, revokedAt } = key;
  const known = stateOf(set, key, now);
  const state = known === 'signing' && isForEncryption(key) ? 'encrypting' : known;
  return {
    ...{ kid, algorithm, state, createdAt, signsFrom, publishedUntil, revokedAt },
    heldBy: heldBy(key),
  };
}

function assertKnown(algorithm: string, algorithms: readonly string[]): void {
  if (!algorithms.includes(algorithm)) {
    const message = `${algorithm} is not among signing.algorithms: ${algorithms.join(', ')}`;
    throw new Refusal('invalid_request', message);
  }
}

/** Another key must not take the place of one that cannot sign here. */
function assertUsable(
  set: KeySet,
  { policy, signer }: Pick<KeyManagerDeps, 'policy' | 'signer'>,
  now: Date,
): void {
  for (const algorithm of policy.algorithms) {
    for (const key of [signerOf, nextOf, newestOf].map((find) => find(set, algorithm, now))) {
      if (heldBy(key) === 'external' && !signer) {
        throw new Error(
          `The ${algorithm} signing key ${key?.kid} is held by an external signer: set signing.external again, or revoke the key`,
        );
      }
    }
  }
}
