import { errors, type Provider } from 'oidc-provider';
import type { Configuration } from '../config/schema.js';
import type { BrokenRule } from '../core/broken-rule.js';
import { metadataMembers } from '../core/client-metadata.js';
import type { ClientRules } from '../core/client-rules.js';
import { lifetimesOf } from './configuration/tokens.js';
import { readMetadata } from './internals.js';
import { InvalidProfileMetadata } from './profiles/assert-client-metadata.js';
import { findAuthenticationKeyFaults } from './profiles/find-authentication-key-faults.js';
import { findEncryptionFaults } from './profiles/find-encryption-faults.js';
import { findKeyFaults } from './profiles/find-key-faults.js';
import { profileOf } from './profiles/profiles.js';

/** See {@link ClientRules}: what the library and the profiles say. */
export function createClientRules(
  provider: Provider,
  lifetimes: Configuration['lifetimes'],
): ClientRules {
  return {
    async findBroken(metadata) {
      const { faults } = readMetadata(provider, metadata);
      if (faults.length > 0) return faults.flatMap(toRules);
      try {
        // Its keys, and the addresses that its sector identifier lists.
        await provider.Client.validate(metadata);
        return [];
      } catch (error) {
        if (error instanceof Error) return toRules(error);
        throw error;
      }
    },

    findBrokenKeys: (metadata) => [
      ...findKeyFaults(metadata.jwks),
      // Which way of authentication it is where none is named, the library knows.
      ...findAuthenticationKeyFaults(readMetadata(provider, metadata).effective),
      ...findEncryptionFaults(metadata).filter(({ member }) => member === 'jwks'),
    ],

    effective(metadata) {
      const { effective } = readMetadata(provider, metadata);
      // `scope` is kept under another name from the library's own check.
      const { client_secret: _secret, registered_scope: scope, ...shown } = effective;
      return {
        ...shown,
        ...(scope !== undefined && { scope }),
        ...lifetimesOf(effective, lifetimes),
        pkce: profileOf(effective).pkce,
      };
    },

    needsSecret(metadata) {
      const { token_endpoint_auth_method: method } = readMetadata(provider, metadata).effective;
      return typeof method === 'string' && method.startsWith('client_secret_');
    },
  };
}

const members = new Set([...metadataMembers, 'client_id', 'client_secret']);
const clause = 'OpenID Connect Dynamic Client Registration 1.0 §2';

/** @throws what is no fault of the metadata. */
function toRules(error: Error): readonly BrokenRule[] {
  if (error instanceof InvalidProfileMetadata) return error.rules;
  if (!(error instanceof errors.InvalidClientMetadata)) throw error;
  const { error_description: description = error.message, cause } = error;
  if (/JSON Web Key Set/.test(description)) {
    // Which key and why stands in the cause; of a request that failed nothing more is told.
    const reason =
      cause instanceof Error ? /^(jwks\.keys)\[(\d+)\](.*)$/.exec(cause.message) : null;
    const [, list, index, rest = ''] = reason ?? [];
    const member = list ? `${list}.${index}` : 'jwks';
    return [{ member, rule: list ? rest.trim().replace(/^\./, '') : 'is invalid', clause }];
  }
  // The library's sentences name the member, and most begin with it. What a sector's list lacks is
  // that address's fault, whose sentence begins with what it should have (Registration §5).
  const words = description.split(/[^a-z_]+/);
  const named = words.filter((word) => members.has(word));
  const member = named.find((word) => word === 'sector_identifier_uri') ?? named[0] ?? 'metadata';
  const rule = description.startsWith(`${member} `)
    ? description.slice(member.length + 1)
    : description.replaceAll('"', "'");
  return [{ member, rule, clause }];
}
