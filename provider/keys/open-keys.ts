import type { Configuration } from '../../config/schema.js';
import type { Clock } from '../../core/clock.js';
import type { Logger } from '../../core/logger.js';
import type { Storage } from '../../core/storage.js';
import { createEncryptionKeys, type EncryptionKeys } from './encryption-keys.js';
import { createKeyManager, type KeyManager } from './key-manager.js';
import { encryptionAlgorithms, type KeyPolicy, newlyRevoked } from './key-set.js';
import { encryptionKeySetId } from './key-set-record.js';
import { loadKeySigner } from './load-key-signer.js';
import { createSigningKeys, type SigningKeys } from './signing-keys.js';
import type { OnStored } from './watch-key-set.js';

interface KeysDeps {
  readonly configuration: Pick<Configuration, 'signing' | 'lifetimes' | 'features'>;
  readonly storage: Storage;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The keys of one process, and what changes them. */
export interface Keys {
  readonly manager: KeyManager;
  readonly signingKeys: SigningKeys;
  /** What changes the keys that clients encrypt to; they live by the same times, and always here. */
  readonly encryptionManager: KeyManager;
  readonly encryptionKeys: EncryptionKeys;
  close(): Promise<void>;
}

/**
 * Opens the keys without changing them, see {@link KeyManager.prepare}.
 * @param tell told when the keys have to be seen to, after another process has changed them.
 * @throws Error with one sentence where the external signer cannot be loaded.
 */
export async function openKeys(deps: KeysDeps, tell: (due: Date) => void): Promise<Keys> {
  const { configuration, storage, clock, logger } = deps;
  const { signing } = configuration;
  const signer = await loadKeySigner(signing);
  const policy = keyPolicy(configuration);

  /** Each process says by itself when it took a key out of use: after an incident, that is asked. */
  const follow =
    (keys: Pick<KeyManager, 'nextChange'>): OnStored =>
    (set, before) => {
      for (const { kid, algorithm } of newlyRevoked(before, set)) {
        logger.warn({ kid, algorithm }, 'revoked key taken out of use');
      }
      const due = keys.nextChange(set);
      if (due) tell(due);
    };

  const manager = createKeyManager({ storage, clock, logger, policy, signer });
  const signingKeys = createSigningKeys({
    storage,
    clock,
    algorithms: signing.algorithms,
    signer,
    onStored: follow(manager),
  });
  const encryptionManager = createKeyManager({
    ...{ storage, clock, logger, signer: undefined, id: encryptionKeySetId },
    policy: encryptionPolicy(configuration),
  });
  const encryptionKeys = createEncryptionKeys({
    storage,
    clock,
    onStored: follow(encryptionManager),
  });
  return {
    manager,
    signingKeys,
    encryptionManager,
    encryptionKeys,
    close: async () => signer?.close?.(),
  };
}

/** A key is published until the last token it signed has ended and the last cache has been refreshed. */
function keyPolicy({ signing, lifetimes }: KeysDeps['configuration']): KeyPolicy {
  const { algorithms, publishBefore, rotateEvery } = signing;
  const longestLife = Math.max(lifetimes.idToken, lifetimes.accessToken);
  return {
    ...{ algorithms, publishBefore, rotateEvery, publishAfter: longestLife + publishBefore },
    heldBy: signing.external ? 'external' : 'store',
  };
}

/** FAPI 1.0 Advanced §5.2.2-13 lets a request object live an hour; our clocks may differ (seconds). */
const longestRequestObject = 3600 + 60;

/** A key decrypts until the last request that a cache had encrypted to it has ended. */
function encryptionPolicy({ signing, features }: KeysDeps['configuration']): KeyPolicy {
  const { publishBefore, rotateEvery } = signing;
  return {
    ...{ publishBefore, rotateEvery, publishAfter: longestRequestObject + publishBefore },
    algorithms: features.encryption ? encryptionAlgorithms : [],
    heldBy: 'store',
  };
}
