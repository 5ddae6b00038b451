import type { Collection } from './storage.js';

/** A request that came with an `Idempotency-Key`, and its answer once there is one. */
export interface RememberedAnswer {
  /** Of the request: the same key with another one is refused. */
  readonly fingerprint: string;
  /** ISO 8601: until then somebody is believed to be working on the answer. */
  readonly claimedUntil: string;
  readonly answer?: { readonly body?: unknown } | undefined;
}

/** By client and key, and only by the hash of these; for a day. */
export const rememberedAnswers: Collection<RememberedAnswer> = {
  name: 'remembered_answer',
  secretIds: true,
  indexes: [],
  indexValues: () => ({}),
};
