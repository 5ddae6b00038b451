import { z } from 'zod';
import type { Clock } from '../core/clock.js';
import type { GuardedFetch } from './guarded-fetch.js';
import { OutgoingFailure } from './guarded-fetch.js';

// What one is that is no key, those say who use them: it must not cost the others.
const jwksSchema = z.object({ keys: z.array(z.unknown()).max(100) });

/** What somebody publishes as public keys (RFC 7517 §5), none of it looked at. */
export type RemoteKeySet = z.infer<typeof jwksSchema>;

/** There are no keys at an address. The message is public. */
export class NoRemoteKeys extends Error {
  override readonly name = 'NoRemoteKeys';
}

/**
 * The keys at an address.
 * @param atMost how old they may be (milliseconds): less where a key was not among them.
 * @throws {NoRemoteKeys}
 */
export type FetchKeys = (uri: string, atMost?: number) => Promise<RemoteKeySet>;

const usualAge = 10 * 60_000;
/** However often a key is missed, or a server fails: it is asked again no sooner (milliseconds). */
const shortestAge = 15_000;
const mostKept = 200;

interface Kept {
  /** What a server said when it was last asked, which may be that there are none. */
  readonly asked: { readonly at: number; readonly keys: Promise<RemoteKeySet> };
  /** The last keys it gave. */
  readonly good?: { readonly at: number; readonly keys: RemoteKeySet };
}

/** Fetches key sets through the guarded fetch, one request at a time for each, and keeps them. */
export function createKeyFetcher(guardedFetch: GuardedFetch, clock: Clock): FetchKeys {
  const kept = new Map<string, Kept>();

  function keep(uri: string, entry: Kept): void {
    kept.delete(uri);
    kept.set(uri, entry);
    for (const oldest of kept.keys()) {
      if (kept.size <= mostKept) break;
      kept.delete(oldest);
    }
  }

  return async function fetchKeys(uri, atMost = usualAge) {
    const now = clock.now();
    const { asked, good } = kept.get(uri) ?? {};
    // Whoever asks for a key that does not exist cannot take these away from others.
    if (good && now - good.at < atMost) return good.keys;
    if (asked && now - asked.at < shortestAge) return asked.keys;
    const keys = load(guardedFetch, uri);
    keep(uri, { asked: { at: now, keys }, ...(good && { good }) });
    const found = await keys;
    keep(uri, { asked: { at: now, keys }, good: { at: now, keys: found } });
    return found;
  };
}

async function load(guardedFetch: GuardedFetch, uri: string): Promise<RemoteKeySet> {
  try {
    const { status, body } = await guardedFetch(uri, { headers: { accept: 'application/json' } });
    if (status !== 200) throw new NoRemoteKeys(`the answer was ${status}`);
    const { data } = jwksSchema.safeParse(parse(body.toString('utf8')));
    if (!data) throw new NoRemoteKeys('the answer was no JSON Web Key Set');
    return data;
  } catch (error) {
    if (!(error instanceof OutgoingFailure)) throw error;
    throw new NoRemoteKeys(error.message, { cause: error });
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
