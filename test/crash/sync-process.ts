/**
 * A process that does syncs with the real connector, as Assent does. It is told by messages: first
 * what it works with, then which connection to order or to request a sync of.
 */
import { openStorage } from '../../adapters/open-storage.js';
import { createAutomaticSyncs } from '../../core/automatic-syncs.js';
import { createBankBudget } from '../../core/bank-budget.js';
import { domainCollections } from '../../core/collections.js';
import { connections } from '../../core/connection.js';
import { tellOfJobs } from '../../core/job.js';
import { orderSync } from '../../core/order-sync.js';
import { createRequestSync } from '../../core/request-sync.js';
import { createScheduler } from '../../core/scheduler.js';
import { createSyncWatch } from '../../core/sync-watch.js';
import { createSynchroniser } from '../../core/synchronise.js';
import { createOpenBankingUkConnector } from '../../institutions/open-banking-uk/create-open-banking-uk-connector.js';

export interface SyncProcessOptions {
  readonly url: string;
  readonly masterKey: { readonly file: string };
  readonly connector: Omit<Parameters<typeof createOpenBankingUkConnector>[0], 'clock'>;
  /** How far its clock is ahead (seconds): past the leases of a process that died. */
  readonly ahead: number;
}

export type SyncProcessCommand =
  | { readonly start: SyncProcessOptions }
  | { readonly order: string }
  | { readonly request: string };

type Work = Awaited<ReturnType<typeof start>>;
let work: Work | undefined;

async function start({ ahead, connector: settings, ...options }: SyncProcessOptions) {
  const clock = { now: () => Date.now() + ahead * 1000 };
  const logger = { info() {}, warn() {}, error() {} };
  const store = await openStorage({ ...options, collections: domainCollections, clock });
  const scheduler = createScheduler({ storage: store, clock, logger, random: Math.random });
  const storage = tellOfJobs(store, scheduler.tell);
  const connector = createOpenBankingUkConnector({ ...settings, clock });
  const directory = { all: [], find: () => undefined, connector: () => connector };
  const budget = createBankBudget({ storage, directory, clock });
  const automatic = createAutomaticSyncs({ storage, clock, budget, everyHours: 4 });
  const watch = createSyncWatch(storage);
  const deps = { storage, directory, clock, logger, budget, automatic, watch };
  scheduler.start([createSynchroniser(deps), automatic.handler]);
  return { storage, clock, requestSync: createRequestSync(deps) };
}

async function read({ storage }: Work, id: string) {
  const stored = await storage.get(connections, id);
  if (!stored) throw new RangeError('no such connection');
  return stored.value;
}

async function order(using: Work, connectionId: string): Promise<string> {
  const { storage, clock } = using;
  const wish = { action: 'client-update', method: 'UPDATE' } as const;
  const connection = await read(using, connectionId);
  const { syncId, writes } = orderSync(connection, wish, new Date(clock.now()));
  await storage.commit(writes);
  return syncId;
}

async function request(using: Work, connectionId: string): Promise<string> {
  const { clientId, userId: subject } = await read(using, connectionId);
  const token = { clientId, subject, scopes: new Set<string>(), expiresAt: new Date() };
  const requested = await using.requestSync(token, { connectionId, isAsync: true });
  return 'sync' in requested ? requested.sync.id : 'refused';
}

async function perform(command: SyncProcessCommand): Promise<string> {
  if ('start' in command) {
    work = await start(command.start);
    return 'ready';
  }
  if (!work) throw new TypeError('not started');
  return 'order' in command ? order(work, command.order) : request(work, command.request);
}

process.on('message', async (command: SyncProcessCommand) => {
  process.send?.(await perform(command));
});
