import type { Configuration } from '../../config/schema.js';
import type { ProfileName } from '../../core/profile-names.js';
import { type Profile, profiles } from './profiles.js';

/** The profiles that clients of an installation can have, and all that they allow together. */
export interface OfferedProfiles {
  readonly names: readonly ProfileName[];
  readonly responseTypes: ReadonlySet<string>;
  readonly tokenEndpointAuthMethods: ReadonlySet<string>;
  readonly signingAlgorithms: ReadonlySet<string>;
  /** Whether one of them remembers who has signed in. */
  readonly singleSignOn: boolean;
}

/** Those of each role where the configuration names none. */
const byRole: Readonly<Record<Configuration['role'], readonly ProfileName[]>> = {
  'identity-service': [
    'fapi2-security',
    'fapi2-message-signing',
    'fapi1-advanced',
    'identity-service',
  ],
  bank: ['fapi2-security', 'fapi2-message-signing', 'fapi1-advanced', 'fapi-ciba'],
};

/** What discovery can say without promising to one client what only another may do. */
export function offeredProfiles({
  role,
  profiles: chosen,
}: Pick<Configuration, 'role' | 'profiles'>): OfferedProfiles {
  const names = chosen ?? byRole[role];
  const offered: readonly Profile[] = names.map((name) => profiles[name]);
  return {
    names,
    responseTypes: new Set(offered.flatMap(({ responseTypes }) => responseTypes)),
    tokenEndpointAuthMethods: new Set(
      offered.flatMap(({ tokenEndpointAuthMethods }) => tokenEndpointAuthMethods),
    ),
    signingAlgorithms: new Set(offered.flatMap(({ signingAlgorithms }) => signingAlgorithms)),
    singleSignOn: offered.some(({ singleSignOn }) => singleSignOn),
  };
}
