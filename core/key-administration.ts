import type { Author } from './clients.js';

/** Where a key is in its life (docs/keys.md). */
export type KeyState = 'published' | 'signing' | 'retiring' | 'retired' | 'revoked';

/** A key as an operator sees it; nothing of it is secret. Times are ISO 8601. */
export interface KeyView {
  readonly kid: string;
  readonly algorithm: string;
  /** `encrypting`: what `signing` is of a key that clients encrypt to. */
  readonly state: KeyState | 'encrypting';
  readonly createdAt: string;
  readonly signsFrom: string;
  /** Absent while it may sign. */
  readonly publishedUntil: string | undefined;
  readonly revokedAt: string | undefined;
  readonly heldBy: 'store' | 'external' | 'nobody';
}

/** What publishing the next keys would come to. */
export interface RotationPlan {
  readonly publishes: readonly { readonly algorithm: string; readonly signsFrom: string }[];
  /** The next keys of the other algorithms are published already. */
  readonly published: readonly KeyView[];
}

/** What taking a key away would come to. */
export interface RevocationPlan {
  readonly key: KeyView;
  /** What signs from then on, where the key does now: a key that is published, or a new one. */
  readonly signsNext?: { readonly kid: string } | { readonly isNew: true };
}

/** What operators do with the provider's keys. Every process follows within a second. */
export interface KeyAdministration {
  list(): Promise<readonly KeyView[]>;
  /**
   * Publishes the next key of each algorithm, or of one; it signs after `signing.publishBefore`. Where
   * one is published already, nothing is done.
   * @throws {Refusal} `invalid_request` for an algorithm that is not among the settings.
   */
  rotate(algorithm?: string, by?: Author): Promise<readonly KeyView[]>;
  /** What {@link rotate} would do; throws as that. */
  planRotation(algorithm?: string): Promise<RotationPlan>;
  /**
   * Takes a key away at once; where it was signing, the next one signs from now on, a new one if need be.
   * One that is revoked already keeps the time of its revocation.
   * @throws {Refusal} `not_found`; {@link NoNewKey} after the revocation has taken effect.
   */
  revoke(kid: string, by?: Author): Promise<readonly KeyView[]>;
  /** What {@link revoke} would do; throws as that. */
  planRevocation(kid: string): Promise<RevocationPlan>;
}

/** A sentence for who revokes a key that is revoked already; undefined where it is not. */
export function describeEarlierRevocation({ kid, revokedAt }: KeyView): string | undefined {
  return revokedAt && `${kid} was revoked already, at ${revokedAt}`;
}

/** A key is revoked, and no new one could be made: nothing is signed with its algorithm until one is. */
export class NoNewKey extends Error {
  override readonly name = 'NoNewKey';

  constructor(kid: string, options?: ErrorOptions) {
    super(
      `${kid} is revoked, but no new key could be made: nothing is signed with its algorithm until one is`,
      options,
    );
  }
}
