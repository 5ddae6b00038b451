import { readFile } from 'node:fs/promises';
import type { Provider } from 'oidc-provider';
import { createOidcAdapterFactory } from '../adapters/oidc/create-oidc-adapter-factory.js';
import { oidcCollections } from '../adapters/oidc/oidc-collections.js';
import { createUnitOfWork } from '../adapters/oidc/unit-of-work.js';
import { openStorage, type StorageOptions } from '../adapters/open-storage.js';
import { dpopProofs } from '../api/middleware/dpop-proof.js';
import type { Configuration } from '../config/schema.js';
import type { Clock } from '../core/clock.js';
import { domainCollections } from '../core/collections.js';
import { createExplanations } from '../core/explanation.js';
import { tellOfJobs } from '../core/job.js';
import type { Logger } from '../core/logger.js';
import { createScheduler, type Scheduler } from '../core/scheduler.js';
import { createGuardedFetch, type GuardedFetch } from '../http/guarded-fetch.js';
import { readLogos } from '../http/read-logos.js';
import { createProvider } from '../provider/create-provider.js';
import { assertAlgorithmsUnused } from '../provider/keys/assert-algorithms-unused.js';
import { keySets } from '../provider/keys/key-set-record.js';
import { type Keys, openKeys } from '../provider/keys/open-keys.js';
import { runAt } from '../provider/library-clock.js';
import { openPairwiseSubjects, pairwiseKeys } from '../provider/pairwise-subjects.js';
import type { Foundation, Role } from './role.js';

interface FoundationOptions {
  readonly configuration: Configuration;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Told of each storage call; tests count with it. */
  readonly onStorageCall?: StorageOptions['onCall'];
}

/** What every room is built from, and what has to be started and closed with it. */
export interface OpenFoundation {
  readonly foundation: Foundation;
  readonly scheduler: Scheduler;
  readonly keys: Keys;
  /** Closes what was opened; what is under way has to be over. */
  close(): Promise<void>;
}

/**
 * Opens the store with everything that stands on it alone.
 * @throws Error with one sentence for the operator where storage or keys are not usable.
 */
export async function openFoundation(options: FoundationOptions): Promise<OpenFoundation> {
  const { configuration, clock, logger, onStorageCall } = options;
  // What was opened last is closed first, also where the start fails half-way.
  const opened = new AsyncDisposableStack();
  const store = await openStorage({
    url: configuration.storage.url,
    masterKey: configuration.storage.masterKey,
    collections: [
      ...domainCollections,
      ...[dpopProofs, keySets, pairwiseKeys],
      ...Object.values(oidcCollections),
    ],
    clock,
    ...(onStorageCall && { onCall: onStorageCall }),
  });
  const scheduler = createScheduler({ storage: store, clock, logger, random: Math.random });
  // Also where a program that embeds Assent schedules: jobs are done at its time.
  const tell = (due: Date) => runAt(clock, () => scheduler.tell(due));
  const storage = tellOfJobs(store, tell);
  opened.defer(() => storage.close());
  try {
    const unitOfWork = createUnitOfWork(storage, clock);
    const keys = await openKeys({ configuration, storage, clock, logger }, tell);
    opened.defer(() => keys.close());
    await assertAlgorithmsUnused(storage, configuration);
    await keys.manager.prepare();
    await keys.encryptionManager.prepare();
    await keys.signingKeys.refresh();
    await keys.encryptionKeys.refresh();
    const guardedFetch = await createOutgoing(configuration);
    opened.defer(() => guardedFetch.close());
    const logos = await readLogos(configuration.logos);
    const { signingKeys, encryptionKeys } = keys;
    const pairwise = await openPairwiseSubjects(storage);
    const explanations = createExplanations({ storage, clock, logger, random: Math.random });
    opened.defer(() => explanations.settle());
    return {
      foundation: {
        ...{ configuration, clock, logger, storage, unitOfWork },
        ...{ explanations, guardedFetch, signingKeys, encryptionKeys, logos, pairwise },
      },
      scheduler,
      keys,
      close: () => opened.disposeAsync(),
    };
  } catch (error) {
    await opened.disposeAsync();
    throw error;
  }
}

/** The provider of a role. */
export async function openProvider(foundation: Foundation, role: Role): Promise<Provider> {
  const { configuration, unitOfWork, clock } = foundation;
  return createProvider({
    ...foundation,
    adapter: createOidcAdapterFactory({
      unitOfWork,
      clock,
      // A bank's intent ends for good.
      grantRevival: configuration.role === 'bank' ? 0 : configuration.lifetimes.revival,
    }),
    redeemGrant: role.redeemGrant,
    approvals: role.approvals,
    signOn: role.signOn,
    withdrawArrangement: role.withdrawIntent,
    renderProblem: role.renderProblem,
  });
}

async function createOutgoing({ outgoing }: Configuration): Promise<GuardedFetch> {
  const certificateAuthorities = await Promise.all(
    outgoing.certificateAuthorities.map((path) => readFile(path, 'utf8')),
  );
  return createGuardedFetch({ ...outgoing, certificateAuthorities });
}
