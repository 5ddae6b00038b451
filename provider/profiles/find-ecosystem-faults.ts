import type { BrokenRule } from '../../core/broken-rule.js';
import type { EcosystemName } from '../../core/ecosystem-names.js';
import { type Ecosystem, ecosystems, isEcosystemName } from './ecosystems.js';
import { defaultProfile } from './profiles.js';

/** Whether a client's ecosystem is one that is offered, and has its profile. */
export function findEcosystemFaults(
  { ecosystem: name, profile = defaultProfile }: { readonly [member: string]: unknown },
  offered: readonly EcosystemName[],
): readonly BrokenRule[] {
  if (name === undefined) return [];
  if (!isEcosystemName(name) || !offered.includes(name)) {
    const those = offered.length > 0 ? `one of ${offered.join(', ')}` : 'left out';
    return [{ member: 'ecosystem', rule: `must be ${those} at this installation` }];
  }
  const { profiles }: Ecosystem = ecosystems[name];
  if (profiles.some((allowed) => allowed === profile)) return [];
  return [{ member: 'profile', rule: `must be one of ${profiles.join(', ')} in ${name}` }];
}
