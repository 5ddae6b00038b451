import type { Clock } from '../core/clock.js';
import type { GuardedAnswer } from './guarded-fetch.js';

/** How long a server that failed is left alone (milliseconds). */
const rest = 15_000;
const mostResting = 10_000;

/** Reads an address. @throws where what is there is of no use. */
export type ReadAddress = (
  url: string,
  headers: Readonly<Record<string, string>>,
) => Promise<GuardedAnswer>;

/**
 * Has those who read the same address at the same time share one request, and those who come soon after
 * a failure share that: whoever names a client to us, without being it, cannot make us call its server
 * again and again, nor wait for it each time (SEC-46). Answers are not kept.
 */
export function shareRequests(read: ReadAddress, clock: Clock): ReadAddress {
  const underWay = new Map<string, Promise<GuardedAnswer>>();
  const failed = new Map<string, { readonly at: number; readonly failure: unknown }>();

  function remember(url: string, failure: unknown): void {
    failed.delete(url);
    failed.set(url, { at: clock.now(), failure });
    for (const oldest of failed.keys()) {
      if (failed.size <= mostResting) break;
      failed.delete(oldest);
    }
  }

  return function readShared(url, headers) {
    const known = failed.get(url);
    if (known && Math.abs(clock.now() - known.at) < rest) return Promise.reject(known.failure);
    failed.delete(url);
    const shared = underWay.get(url);
    if (shared) return shared;
    const answer = read(url, headers)
      .catch((failure: unknown) => {
        remember(url, failure);
        throw failure;
      })
      .finally(() => underWay.delete(url));
    underWay.set(url, answer);
    return answer;
  };
}
