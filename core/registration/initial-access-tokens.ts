import { createHash } from 'node:crypto';
import { recordEvent } from '../admin-history.js';
import type { Author } from '../clients.js';
import type { Clock } from '../clock.js';
import { findAll } from '../find-all.js';
import { isSameSecret } from '../is-same-secret.js';
import { Refusal } from '../refusal.js';
import { type Collection, insert, remove, type Storage, type Stored, update } from '../storage.js';
import type { RegistrationPolicy } from './registration-policy.js';

/** What an operator gives somebody who may register clients (RFC 7591 §3), without its secret. */
export interface InitialAccessToken {
  /** SHA-256 of the whole token, base64url. */
  readonly hash: string;
  /** Whom it is for, in the operator's words. */
  readonly note: string;
  readonly policy: RegistrationPolicy;
  /** How many more clients may be registered with it. */
  readonly usesLeft: number;
  readonly createdBy: Author;
  /** ISO 8601 */
  readonly createdAt: string;
}

/** By their public ids. They end at their `expiresAt`. */
export const initialAccessTokens: Collection<InitialAccessToken> = {
  name: 'registration_token',
  indexes: ['created'],
  indexValues: ({ createdAt }) => ({ created: createdAt }),
};

/** What is wanted of a new token. */
export interface NewInitialAccessToken {
  readonly note: string;
  readonly policy: RegistrationPolicy;
  readonly uses: number;
  /** Seconds */
  readonly lifetime: number;
  readonly by: Author;
}

/** Tokens that clients are registered with. */
export interface InitialAccessTokens {
  /**
   * @returns the token itself, which nobody is shown again.
   * @throws {Refusal} `invalid_request` for a policy with scopes that there are none of.
   */
  create(wanted: NewInitialAccessToken): Promise<{ readonly id: string; readonly token: string }>;
  list(): Promise<readonly Stored<InitialAccessToken>[]>;
  /** @throws {Refusal} `not_found` */
  revoke(id: string, by: Author): Promise<void>;
  /** The token that is meant; undefined where it is none, expired, revoked or used up. */
  find(token: string): Promise<Stored<InitialAccessToken> | undefined>;
}

const registrationToken = { kind: 'registration_token' } as const;

/** See {@link InitialAccessTokens}. */
export function createInitialAccessTokens(deps: {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly newId: () => string;
  readonly newSecret: () => string;
  readonly isScope: (word: string) => boolean;
}): InitialAccessTokens {
  const { storage, clock, newId, newSecret, isScope } = deps;
  return {
    async create({ note, policy, uses, lifetime, by }) {
      const unknown = policy.scopes?.filter((word) => !isScope(word)) ?? [];
      if (unknown.length > 0) {
        const message = `policy.scopes: there is no scope ${unknown.join(', ').slice(0, 200)}`;
        throw new Refusal('invalid_request', message);
      }
      const id = newId();
      const token = `${id}.${newSecret()}`;
      const createdAt = new Date(clock.now()).toISOString();
      const record = {
        ...{ hash: hashToken(token), note, policy, createdAt },
        ...{ usesLeft: uses, createdBy: by },
      };
      const expiresAt = new Date(clock.now() + lifetime * 1000);
      const event = { ...registrationToken, id, action: 'created', note, by } as const;
      await storage.commit([
        insert(initialAccessTokens, id, record, expiresAt),
        recordEvent(event, new Date(createdAt)),
      ]);
      return { id, token };
    },

    list: () => findAll(storage, initialAccessTokens, { index: 'created', from: '' }),

    async revoke(id, by) {
      const stored = await storage.get(initialAccessTokens, id);
      if (!stored) throw new Refusal('not_found', 'There is no such token');
      const { note } = stored.value;
      const event = { ...registrationToken, id, action: 'revoked', note, by } as const;
      const at = new Date(clock.now());
      await storage.commit([remove(initialAccessTokens, id), recordEvent(event, at)]);
    },

    async find(token) {
      const [id = ''] = token.split('.');
      const stored = await storage.get(initialAccessTokens, id);
      const isMeant = stored && isHashOf(stored.value.hash, token) && stored.value.usesLeft > 0;
      return isMeant ? stored : undefined;
    },
  };
}

/** The write that takes one use: for the commit of the client. Of two for the last use one conflicts. */
export function spendToken(stored: Stored<InitialAccessToken>) {
  const { value } = stored;
  return update(initialAccessTokens, stored, { ...value, usesLeft: value.usesLeft - 1 });
}

/** SHA-256, base64url: a token has enough randomness by itself. */
export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}

/** Whether it is the token that was hashed; takes as long for every other one. */
export function isHashOf(hash: string, token: string): boolean {
  return isSameSecret(hashToken(token), hash);
}
