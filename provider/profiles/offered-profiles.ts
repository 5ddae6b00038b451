import type { Configuration } from '../../config/schema.js';
import type { EcosystemName } from '../../core/ecosystem-names.js';
import type { ProfileName } from '../../core/profile-names.js';
import { type Ecosystem, ecosystems } from './ecosystems.js';
import type { Profile } from './profile.js';
import { profiles } from './profiles.js';

/** The profiles that clients of an installation can have, and all that they allow together. */
export interface OfferedProfiles {
  readonly names: readonly ProfileName[];
  /** Those whose rules clients can be held to besides. */
  readonly ecosystems: readonly EcosystemName[];
  readonly responseTypes: ReadonlySet<string>;
  readonly tokenEndpointAuthMethods: ReadonlySet<string>;
  readonly signingAlgorithms: ReadonlySet<string>;
  /** What clients may be told of a person, claim by claim. */
  readonly claims: ReadonlySet<string>;
  /** Whether there are clients that say what for. */
  readonly statesPurpose: boolean;
  /** Whether there are clients of the Consumer Data Right. */
  readonly arrangements: boolean;
  /** What clients may call the ways of authentication besides. */
  readonly contextNames: readonly string[];
  /** Whether one of them remembers who has signed in. */
  readonly singleSignOn: boolean;
  /** Whether one of them does more than sign people in. */
  readonly readsAccounts: boolean;
  /** What requests behind people's backs are signed with; none where there are no such requests. */
  readonly backchannelAlgorithms: ReadonlySet<string>;
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
  ecosystems: chosenEcosystems,
}: Pick<Configuration, 'role' | 'profiles' | 'ecosystems'>): OfferedProfiles {
  const names = chosen ?? byRole[role];
  const offered: readonly Profile[] = names.map((name) => profiles[name]);
  const rules: readonly Ecosystem['rules'][] = chosenEcosystems.map(
    (name) => ecosystems[name].rules,
  );
  return {
    names,
    ecosystems: chosenEcosystems,
    responseTypes: new Set(offered.flatMap(({ responseTypes }) => responseTypes)),
    tokenEndpointAuthMethods: new Set(
      offered.flatMap(({ tokenEndpointAuthMethods }) => tokenEndpointAuthMethods),
    ),
    signingAlgorithms: new Set(offered.flatMap(({ signingAlgorithms }) => signingAlgorithms)),
    claims: new Set(rules.flatMap(({ claims = [] }) => claims)),
    statesPurpose: rules.some(({ statesPurpose }) => statesPurpose),
    arrangements: rules.some(({ arrangements }) => arrangements),
    contextNames: rules.flatMap(({ contextNames = {} }) => Object.values(contextNames)),
    singleSignOn: offered.some(({ singleSignOn }) => singleSignOn),
    readsAccounts: offered.some(({ singleSignOn }) => !singleSignOn),
    backchannelAlgorithms: new Set(
      offered
        .filter(({ backchannelAuthentication }) => backchannelAuthentication)
        .flatMap(({ signingAlgorithms }) => signingAlgorithms),
    ),
  };
}
