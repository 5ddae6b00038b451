import type { BrokenRule } from '../../core/broken-rule.js';
import type { Profile } from './profile.js';

const ciba = 'urn:openid:params:grant-type:ciba';

/** The rules of FAPI-CIBA for a client's metadata that it breaks. */
export function findBackchannelFaults(
  metadata: { readonly [member: string]: unknown },
  { backchannelAuthentication, signingAlgorithms }: Profile,
): readonly BrokenRule[] {
  const { grant_types: grants } = metadata;
  if (!Array.isArray(grants) || !grants.includes(ciba)) return [];
  if (!backchannelAuthentication) {
    return [{ member: 'grant_types', rule: `may contain ${ciba} in profile fapi-ciba only` }];
  }
  const faults: BrokenRule[] = [];
  const { backchannel_authentication_request_signing_alg: algorithm } = metadata;
  if (!signingAlgorithms.some((allowed) => allowed === algorithm)) {
    faults.push({
      member: 'backchannel_authentication_request_signing_alg',
      rule: `must be one of ${signingAlgorithms.join(', ')} in this profile`,
      clause: 'FAPI-CIBA §5.2.2-6',
    });
  }
  const { backchannel_client_notification_endpoint: endpoint } = metadata;
  if (endpoint !== undefined && !isPlainHttps(endpoint)) {
    faults.push({
      member: 'backchannel_client_notification_endpoint',
      rule: 'must be an https URL without credentials and fragment',
      clause: 'CIBA Core §4',
    });
  }
  return faults;
}

function isPlainHttps(text: unknown): boolean {
  const url = typeof text === 'string' ? URL.parse(text) : null;
  return url?.protocol === 'https:' && !url.username && !url.password && !url.hash;
}
