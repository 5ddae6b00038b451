import type { BrokenRule } from '../../core/broken-rule.js';
import type { Profile } from './profile.js';

type Metadata = { readonly [member: string]: unknown };

/** The rules for clients that learn who somebody is, and nothing of their accounts. */
export function findSignOnFaults(metadata: Metadata, profile: Profile): readonly BrokenRule[] {
  return [...findScopes(metadata, profile), ...findForeignFrame(metadata)];
}

function findScopes({ scope }: Metadata, { scopes }: Profile): readonly BrokenRule[] {
  if (typeof scope !== 'string' || scopes === undefined) return [];
  if (scope.split(' ').every((word) => scopes.includes(word))) return [];
  return [{ member: 'scope', rule: `must be among ${scopes.join(' ')} in this profile` }];
}

function findForeignFrame({
  frontchannel_logout_uri: frame,
  redirect_uris: redirects,
}: Metadata): readonly BrokenRule[] {
  if (frame === undefined) return [];
  const origins = Array.isArray(redirects) ? redirects.map(originOf) : [];
  const origin = originOf(frame);
  if (origin?.startsWith('https:') && origins.includes(origin)) return [];
  return [
    {
      member: 'frontchannel_logout_uri',
      rule: 'must be https and have the origin of a redirect URI',
      clause: 'OpenID Connect Front-Channel Logout 1.0 §2',
    },
  ];
}

function originOf(uri: unknown): string | undefined {
  return typeof uri === 'string' ? URL.parse(uri)?.origin : undefined;
}
