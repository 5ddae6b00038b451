import { randomUUID } from 'node:crypto';
import type { Clock } from './clock.js';
import { type Connection, connections } from './connection.js';
import type { BankSession, ConnectorState } from './institution.js';
import { retryConflict } from './retry-conflict.js';
import { type Storage, type Stored, update, type Write } from './storage.js';
import { isUnderWay, type Sync, syncs } from './sync.js';

/**
 * One sync's turn to fetch a connection: nobody else fetches it meanwhile, because a bank's refresh
 * token is good for one use. It is written in the connection, so it holds across processes, and a
 * process that comes too late finds that it has none.
 */
export interface SyncTurn {
  /** As they were when the turn began. */
  readonly connection: Connection;
  readonly sync: Stored<Sync>;
  /** When this sync's first turn began; one that a crash cut short goes on in another turn. */
  readonly since: Date;
  /** Takes the session whose tokens are kept from now on, and keeps those it came with. */
  hold(session: BankSession): Promise<void>;
  /**
   * Commits data together with a change of its connection, so that data never outlives a connection
   * that was removed meanwhile, and with the tokens as they are now. @throws {TurnLost}
   */
  commit(writes: readonly Write[], change?: (connection: Connection) => Connection): Promise<void>;
}

/** The connection is gone, somebody else took the turn, or the person authenticated anew. */
export class TurnLost extends Error {
  override readonly name = 'TurnLost';
}

interface TurnDeps {
  readonly storage: Storage;
  readonly clock: Clock;
}

/**
 * Takes the turn of a sync.
 * @returns `over` where there is nothing left to do, `taken` where another sync is under way.
 */
export function takeTurn(
  { storage, clock }: TurnDeps,
  { connectionId, syncId }: { readonly connectionId: string; readonly syncId: string },
): Promise<SyncTurn | 'over' | 'taken'> {
  return retryConflict(async () => {
    const [sync, connection] = await Promise.all([
      storage.get(syncs, syncId),
      storage.get(connections, connectionId),
    ]);
    if (!sync || !connection || !isUnderWay(sync.value)) return 'over';
    const { turn: other } = connection.value;
    const isOurs = other?.syncId === syncId;
    if (other && !isOurs && isUnderWay((await storage.get(syncs, other.syncId))?.value)) {
      return 'taken';
    }
    const since = isOurs ? other.since : new Date(clock.now()).toISOString();
    const turn = { syncId, attempt: randomUUID(), since };
    const taken = { ...connection.value, turn };
    await storage.commit([update(connections, connection, taken)]);
    return openTurn(storage, taken, sync, turn);
  });
}

function openTurn(
  storage: Storage,
  connection: Connection,
  sync: Stored<Sync>,
  { attempt, since }: NonNullable<Connection['turn']>,
): SyncTurn {
  let kept = connection.authorization;
  let session: BankSession | undefined;

  const commit: SyncTurn['commit'] = (writes, change = (current) => current) =>
    retryConflict(async () => {
      const stored = await storage.get(connections, connection.id);
      if (stored?.value.turn?.attempt !== attempt || !isSame(stored.value.authorization, kept)) {
        throw new TurnLost('the connection moved on while its bank was read');
      }
      const authorization = session?.authorization ?? kept;
      const next = change({ ...stored.value, authorization });
      await storage.commit([update(connections, stored, next), ...writes]);
      kept = authorization;
    });

  return {
    connection,
    sync,
    since: new Date(since),
    async hold(opened) {
      session = opened;
      // Before they are used: a refresh token must not be lost with this process.
      if (!isSame(opened.authorization, kept)) await commit([]);
    },
    commit,
  };
}

/** As storage keeps them: members that are undefined are none. */
function isSame(one: ConnectorState, other: ConnectorState): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
