import { BrokenRules } from './broken-rule.js';
import { compareClients, recordChange } from './client-change.js';
import { keepLogo } from './client-logo.js';
import type { ClientPlan } from './client-plan.js';
import { type Author, type ClientRecord, clients } from './clients.js';
import { endClientAt } from './end-client.js';
import { insert, type Storage, StorageConflict, update, type Write } from './storage.js';

/** The client has moved on since the caller looked at it; its change is not made. */
export class OutdatedClient extends Error {
  override readonly name = 'OutdatedClient';

  constructor(options?: ErrorOptions) {
    super('The client was changed by somebody else since; read it again', options);
  }
}

/**
 * The writes that make a planned change, with its entry in the history: none where nothing changes.
 * @throws {BrokenRules} with every rule that the plan breaks.
 */
export function changeClient(plan: ClientPlan, by: Author, at: Date): readonly Write[] {
  const { clientId, action, brokenRules, before, after } = plan;
  if (brokenRules.length > 0) throw new BrokenRules(brokenRules);
  if (action === 'unchanged') return [];
  const updated = { updated_at: at.toISOString(), updated_by: by };
  const next: ClientRecord = after
    ? { ...after, ...updated }
    : { ...before?.value, client_id: clientId, client_status: 'ending', ...updated };
  return [
    before ? update(clients, before, next) : insert(clients, clientId, next),
    recordChange(clientId, action, compareClients(before?.value, after), { by, at }),
    ...keepLogo(clientId, before?.value, after, at),
    // Last: without it the client stays as one that is being deleted, and can be deleted again.
    ...(after ? [] : [endClientAt(clientId, at)]),
  ];
}

/**
 * Commits changes to clients.
 * @throws {OutdatedClient} where one of them was changed in between.
 */
export async function commitChanges(storage: Storage, writes: readonly Write[]): Promise<void> {
  if (writes.length === 0) return;
  try {
    await storage.commit(writes);
  } catch (error) {
    if (!(error instanceof StorageConflict)) throw error;
    throw new OutdatedClient({ cause: error });
  }
}
