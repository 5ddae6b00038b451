import type { Configuration } from 'oidc-provider';
import type { Configuration as Settings } from '../../config/schema.js';
import { isReadingStoredClient } from '../cache-clients.js';
import type { PairwiseSubject } from '../pairwise-subjects.js';

/**
 * Who people are to a client (OpenID Connect Core §8). The identity service's users belong to one client
 * each already, and its API calls them what ID tokens call them; so only banks offer pairwise subjects.
 */
export function subjectConfiguration(role: Settings['role'], pairwise: PairwiseSubject) {
  return {
    subjectTypes: role === 'bank' ? ['public', 'pairwise'] : ['public'],
    pairwiseIdentifier: (_ctx, accountId, client) => pairwise(accountId, client),
    // OpenID Connect Registration §5: the list of addresses is checked when a client is saved. Its site
    // may be down later without taking the client with it.
    sectorIdentifierUriValidate: () => !isReadingStoredClient(),
  } satisfies Partial<Configuration>;
}
