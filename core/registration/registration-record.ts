import type { RegistrationPolicy } from './registration-policy.js';

/** What a client's record says of how it registered itself. */
export interface Registration {
  /** `directory:NAME`, `token:ID` or `anyone`. */
  readonly by: string;
  /** What it may say of itself. */
  readonly policy: RegistrationPolicy;
  /** SHA-256 of the registration access token. */
  readonly tokenHash: string;
  /** Of the one before, which is accepted until the present one was seen: its answer may be lost. */
  readonly previousTokenHash?: string | undefined;
}
