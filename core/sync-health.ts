import type { Connection } from './connection.js';

const hour = 3_600_000;
/** Without news for longer, what an API connection shows is old (milliseconds). */
const fresh = 48 * hour;
/** Nobody tries by themselves what has failed for longer. */
const patience = 7 * 24 * hour;

/** Whether only the person can mend it, by visiting the bank again. */
export function isLost({ error }: Connection): boolean {
  return error === 'credentials_error' || error === 'mfa_required';
}

/** Whether its syncs have failed for so long that none is made any more unless somebody asks. */
export function hasStoppedSyncing({ error, failingSince }: Connection, now: number): boolean {
  return (
    error !== undefined && failingSince !== undefined && now - Date.parse(failingSince) > patience
  );
}

/** Whether an API connection has had no news for so long that somebody should sync it. */
export function isStale({ kind, lastUpdated, connectedOn }: Connection, now: number): boolean {
  return kind === 'api' && now - Date.parse(lastUpdated ?? connectedOn) > fresh;
}
