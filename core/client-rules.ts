import type { BrokenRule } from './broken-rule.js';
import type { ClientMetadata } from './clients.js';

/** What this installation makes of a client's metadata. Nothing is written. Implemented in `provider/`. */
export interface ClientRules {
  /** Every rule of the library and of the client's profile that the metadata breaks. */
  findBroken(metadata: ClientMetadata): Promise<readonly BrokenRule[]>;
  /** Those of the rules that are about a client's keys alone, of what it publishes as its `jwks`. */
  findBrokenKeys(metadata: ClientMetadata): readonly BrokenRule[];
  /**
   * The metadata that is in force: with defaults, with what the profile adds, without what is unused
   * here. No secret.
   */
  effective(metadata: ClientMetadata): Readonly<Record<string, unknown>>;
  /** Whether such a client proves itself by a secret. */
  needsSecret(metadata: ClientMetadata): boolean;
}
