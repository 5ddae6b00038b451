import type { BrokenRule } from '../../core/broken-rule.js';
import type { ClientRules } from '../../core/client-rules.js';
import type { ClientRecord } from '../../core/clients.js';
import { type FetchKeys, NoRemoteKeys } from '../../http/remote-keys.js';

/**
 * What is wrong with the keys that a client publishes, by the rules for those that it registers
 * (SEC-41): keys that are weak are refused before they are used, and an address that is not there too.
 */
export function createRemoteKeyCheck(
  rules: Pick<ClientRules, 'findBrokenKeys'>,
  fetchKeys: FetchKeys,
) {
  return async function findRemoteKeyFaults(client: ClientRecord): Promise<readonly BrokenRule[]> {
    const { jwks_uri: uri } = client;
    if (typeof uri !== 'string') return [];
    try {
      const jwks = await fetchKeys(uri, 0);
      return rules
        .findBrokenKeys({ ...client, jwks })
        .map(({ member, ...rule }) => ({ ...rule, member: `jwks_uri${member.slice(4)}` }));
    } catch (error) {
      if (!(error instanceof NoRemoteKeys)) throw error;
      return [{ member: 'jwks_uri', rule: `could not be read: ${error.message}` }];
    }
  };
}
