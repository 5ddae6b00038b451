import { randomUUID } from 'node:crypto';
import { createLocalJWKSet, exportJWK, generateKeyPair, type JSONWebKeySet, type JWK } from 'jose';
import {
  revokeGrant,
  revokeIssued,
  revokeRefreshTokens,
} from '../../../adapters/oidc/revoke-grant.js';
import type { EcosystemName } from '../../../core/ecosystem-names.js';
import { createIntentService } from '../../../core/intent-service.js';
import { createDemoLedger } from '../../../sandbox/bank/create-demo-ledger.js';
import { createMovingClock } from '../../adapters/support/moving-clock.js';
import { createClientKeys } from '../../support/client-keys.js';
import { createDpopKey } from '../../support/fapi-client.js';
import { startAssent } from '../../support/start-assent.js';

/** What ID tokens are encrypted to. */
async function createEncryptionKey() {
  const alg = 'RSA-OAEP-256';
  const { privateKey, publicKey } = await generateKeyPair(alg);
  const publicJwk: JWK = { ...(await exportJWK(publicKey)), kid: randomUUID(), use: 'enc', alg };
  return { privateKey, publicJwk };
}

/** Assent as a bank over real TLS, on a clock that waits for nobody, and all that its clients hold. */
export async function startProtocolBank(ecosystems: readonly EcosystemName[] = []) {
  const clock = createMovingClock();
  const bank = await startAssent(
    { role: 'bank', ecosystems: [...ecosystems] },
    { ledger: createDemoLedger({ clock }), clock },
  );
  const { storage, authority } = bank;

  /** What one developer has: keys, a weak one among them, a certificate, and a DPoP key. */
  async function equip(name: string, alg: 'PS256' | 'ES256') {
    const [keys, weakKeys] = await Promise.all([createClientKeys(alg), createClientKeys('RS256')]);
    return {
      certificate: name,
      keys,
      weakKeys,
      dpop: await createDpopKey(),
      encryption: await createEncryptionKey(),
      fetch: bank.fetcher(await authority.client(name)),
    };
  }

  const answer = await bank.fetch('/oidc/certs');
  return {
    ...bank,
    clock,
    now: () => Math.floor(clock.now() / 1000),
    holdings: {
      first: await equip('first', 'PS256'),
      second: await equip('second', ecosystems.includes('connectid-au') ? 'PS256' : 'ES256'),
    },
    published: createLocalJWKSet((await answer.json()) as JSONWebKeySet),
    intentService: createIntentService({
      ...{ storage, clock, newId: randomUUID },
      ...{ revokeGrant, revokeIssued, revokeRefreshTokens },
    }),
  };
}

export type ProtocolBank = Awaited<ReturnType<typeof startProtocolBank>>;
