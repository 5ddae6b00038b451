import { type Adapter, type AdapterPayload, Provider } from 'oidc-provider';
import type { Clock } from '../../core/clock.js';
import {
  type Collection,
  consume,
  insert,
  put,
  remove,
  removeWhere,
  type Stored,
} from '../../core/storage.js';
import { type ModelName, oidcCollections, secretIndexValue } from './oidc-collections.js';
import { identifyProof } from './replay-proof.js';
import type { UnitOfWork } from './unit-of-work.js';

interface AdapterDeps {
  readonly unitOfWork: UnitOfWork;
  readonly clock: Clock;
  /** How long after its end a Grant can be extended again (seconds). */
  readonly grantRevival?: number;
}

/** The last millisecond of ECMAScript time. */
const latestTime = 8.64e15;

/**
 * Seconds to keep a pushed request beyond its life of 60. It is consumed when the person has finished:
 * gone before that, two tabs of one `request_uri` would get a code each. The library itself refuses to
 * start from an expired one.
 */
const pushedRequestKept = 7200;

/**
 * Seconds to keep a backchannel request beyond its life: a client that comes too late is told that it
 * has expired (CIBA Core §11), and not that there was none.
 */
const backchannelRequestKept = 3600;

/** What the library goes on changing after it has saved it: stored as it is at that time. */
const changedLater: ReadonlySet<ModelName> = new Set(['Session', 'Grant', 'Interaction']);

/**
 * The adapter of `oidc-provider` on the storage port, one per model. Consuming and replay marks are
 * atomic: of several uses in the whole cluster one succeeds, and the others get the protocol's
 * error, at the call outside of a unit of work and at the unit's commit inside of one.
 */
export function createOidcAdapterFactory({
  unitOfWork,
  clock,
  grantRevival = 0,
}: AdapterDeps): (model: string) => Adapter {
  /** Seconds to keep a record beyond its life. */
  const keptLonger: Partial<Record<ModelName, number>> = {
    PushedAuthorizationRequest: pushedRequestKept,
    BackchannelAuthenticationRequest: backchannelRequestKept,
    Grant: grantRevival,
  };

  /** A client chooses the lifetime of its assertion, so it may lie beyond what a date can say. */
  function expiry(seconds: number): Date {
    return new Date(Math.min(clock.now() + seconds * 1000, latestTime));
  }

  function createAdapter(model: ModelName): Adapter {
    const collection: Collection<AdapterPayload> = oidcCollections[model];

    async function findBySecret(index: string, secret: string) {
      return toPayload(await unitOfWork.findOne(collection, index, secretIndexValue(secret)));
    }

    return {
      async upsert(id, payload, expiresIn) {
        // No lifetime is given for Client, InitialAccessToken and RegistrationAccessToken.
        const expiresAt =
          expiresIn === undefined ? undefined : expiry(expiresIn + (keptLonger[model] ?? 0));
        const value = changedLater.has(model) ? structuredClone(payload) : payload;
        await unitOfWork.add(put(collection, id, value, expiresAt));
      },
      find: async (id) => toPayload(await unitOfWork.get(collection, id)),
      findByUid: (uid) => findBySecret('uid', uid),
      findByUserCode: (userCode) => findBySecret('userCode', userCode),
      consume: (id) => unitOfWork.add(consume(collection, id)),
      destroy: (id) => unitOfWork.add(remove(collection, id)),
      revokeByGrantId: (grantId) => unitOfWork.add(removeWhere(collection, 'grantId', grantId)),
    };
  }

  /** A Grant that is kept beyond its end allows nothing until it is extended. */
  function createGrantAdapter(): Adapter {
    const adapter = createAdapter('Grant');
    return {
      ...adapter,
      async find(id) {
        const grant = await adapter.find(id);
        const { exp = Number.POSITIVE_INFINITY } = grant ?? {};
        return exp * 1000 > clock.now() ? grant : undefined;
      },
    };
  }

  /** The library asks and then writes; one insert, which a live record refuses, does both. */
  function createReplayAdapter(): Adapter {
    const collection = oidcCollections.ReplayDetection;
    return {
      ...createAdapter('ReplayDetection'),
      find: async () => undefined,
      async upsert(id, payload, expiresIn = 0) {
        const mark = { ...payload, proof: identifyProof(id, Provider.ctx) };
        await unitOfWork.add(insert<AdapterPayload>(collection, id, mark, expiry(expiresIn)));
      },
    };
  }

  return (model) => {
    if (!isModelName(model))
      throw new TypeError(`oidc-provider has a model ${model} not known here`);
    if (model === 'ReplayDetection') return createReplayAdapter();
    return model === 'Grant' ? createGrantAdapter() : createAdapter(model);
  };
}

/** The payload as it was stored, with the mark the library looks for (epoch seconds). */
function toPayload(stored: Stored<AdapterPayload> | undefined): AdapterPayload | undefined {
  if (!stored?.consumedAt) return stored?.value;
  return { ...stored.value, consumed: Math.floor(stored.consumedAt.getTime() / 1000) };
}

function isModelName(model: string): model is ModelName {
  return Object.hasOwn(oidcCollections, model);
}
