import { automaticSync } from './automatic-syncs.js';
import type { BankBudget } from './bank-budget.js';
import type { Connection } from './connection.js';
import { schedule } from './job.js';
import { orderSync } from './order-sync.js';
import type { Write } from './storage.js';

/**
 * What brings data again for a connection that is revived without its bank, for that commit: a sync
 * now, or an automatic one when the bank takes more. Whoever revives it often gains no call by it.
 */
export type ResumeSyncs = (connection: Connection, at: Date) => Promise<readonly Write[]>;

/** See {@link ResumeSyncs}. */
export function createResumeSyncs({ spend }: Pick<BankBudget, 'spend'>): ResumeSyncs {
  return async function resumeSyncs(connection, at) {
    const { state, write } = await spend(connection);
    if (!write) return [schedule(automaticSync, connection.id, state.resetsAt ?? at, {})];
    const sync = orderSync(connection, { action: 'auto-update', method: 'UPDATE' }, at);
    return [write, ...sync.writes];
  };
}
