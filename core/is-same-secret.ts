import { hash, timingSafeEqual } from 'node:crypto';

/**
 * Whether what was given is the secret, in a time that tells nothing of where it differs or how long it
 * is (SEC-40): hashes are compared, of one length whatever was given.
 */
export function isSameSecret(given: string, expected: string): boolean {
  return timingSafeEqual(hash('sha256', given, 'buffer'), hash('sha256', expected, 'buffer'));
}
