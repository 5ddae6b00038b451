import type { Clock } from '../core/clock.js';

/** How far the clocks of clients may be off (seconds). */
export const clockTolerance = 15;

/**
 * Whether a JWT says that it is made later than now. FAPI 2.0 SP §5.3.2.1-13 has 10 seconds accepted and
 * 60 refused; the library looks at `iat` of what has no `exp` alone, which FAPI has none of. What is no
 * time is none that has been.
 */
export function isFromFuture(claims: { readonly iat?: unknown }, clock: Clock): boolean {
  const { iat } = claims;
  if (iat === undefined) return false;
  return typeof iat !== 'number' || iat > clock.now() / 1000 + clockTolerance;
}
