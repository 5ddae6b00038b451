import { type Action, day, hour, type Plan, revivalDays, simulationEnd } from './plan.js';

/** An event that a client must be told of, once. */
export interface ExpectedEvent {
  readonly type: string;
  /** Milliseconds since the simulation began. */
  readonly at: number;
  /** What of its payload the rules give. */
  readonly detail: Readonly<Record<string, unknown>>;
}

/** A connection as its client must find it in the end; undefined where it is deleted. */
export interface ExpectedConnection {
  readonly status: 'ok' | 'error';
  readonly error: 'credentials_error' | 'sync_error' | 'resync' | null;
  readonly extendedStatus: 'expired' | 'stoppedSyncing' | undefined;
  /** Milliseconds since the simulation began. */
  readonly expiresAt: number;
  readonly tppConsent: boolean;
}

export interface Expected {
  readonly events: readonly ExpectedEvent[];
  /** In the order of the plan: whether each was done; the others are refused and change nothing. */
  readonly done: readonly boolean[];
  readonly connection: ExpectedConnection | undefined;
}

/** A connection in the model: what the rules need to know, and nothing else. */
interface State {
  access: 'one-time' | 'ongoing';
  tppConsent: boolean;
  end: number;
  /** When its client is reminded next, and from when it may be. */
  reminder: number;
  mayRemind: number;
  expiryTold: boolean;
  /** The bank does not know the person any more, which a sync finds out. */
  withdrawn: boolean;
  lost: boolean;
  /** When data arrived last, and since when none does. */
  updated: number;
  failingSince: number | undefined;
}

const reminderPeriod = 5 * day;
const reminderInterval = 48 * hour;
/** What is older asks for a sync; what failed for longer is no longer synced (§1.6). */
const staleAfter = 48 * hour;
const stoppedAfter = 7 * day;

/**
 * What the rules make of a plan (identity-service.md §3.3, 4.3–4.5, 5), said again without the product's
 * code: states, answers and events.
 */
export function play(plan: Plan): Expected {
  const events: ExpectedEvent[] = [];
  const done: boolean[] = [];
  let state: State | undefined;

  function tell(type: string, at: number, detail: ExpectedEvent['detail'] = {}): void {
    events.push({ type, at, detail });
  }

  /** What comes by itself until a moment, that included. */
  function passTime(until: number): void {
    if (!state) return;
    while (state.reminder <= until && state.reminder < state.end) {
      tell('reauthReminder', state.reminder, {
        timeUntilReauthorizationInDays: Math.ceil((state.end - state.reminder) / day),
        tppConsent: state.tppConsent,
      });
      state.reminder += reminderInterval;
      state.mayRemind = state.reminder;
    }
    if (state.end <= until && !state.expiryTold) {
      state.expiryTold = true;
      tell('consentExpired', state.end);
    }
    // What can be extended no more is given back at the bank, and nobody is told.
    if (state.tppConsent && state.end + revivalDays * day <= until) state.lost = true;
  }

  function setEnd(held: State, end: number, now: number): void {
    held.end = end;
    held.expiryTold = false;
    held.reminder =
      held.access === 'one-time'
        ? Number.POSITIVE_INFINITY
        : Math.max(end - reminderPeriod, held.mayRemind, now);
  }

  function sync(held: State, at: number): void {
    if (held.withdrawn && !held.lost) tell('connectionFailed', at, { error: 'credentials_error' });
    held.lost ||= held.withdrawn;
    if (held.lost) held.failingSince ??= at;
    else held.updated = at;
    tell('syncCompleted', at, { processingStatus: held.lost ? 'error' : 'success' });
  }

  /** Without the bank: only what the client did not end itself and the bank has not lost, nor for ever. */
  function extend(held: State, end: number, at: number): boolean {
    if (!held.tppConsent || held.lost || at >= held.end + revivalDays * day) return false;
    const hadExpired = held.end <= at;
    setEnd(held, end, at);
    tell('consentExtended', at);
    if (hadExpired) sync(held, at);
    return true;
  }

  /** The same end again is no news. */
  function extendByClient(held: State, end: number, at: number): boolean {
    const isRepeated = held.tppConsent && !held.lost && held.end === end;
    return isRepeated || extend(held, end, at);
  }

  function act(action: Action, at: number): boolean {
    if (action.kind === 'connect') {
      const { access, days } = action;
      const tppConsent = access === 'ongoing' && days === undefined;
      state = { access, tppConsent, ...unspoilt, end: at, reminder: 0, mayRemind: 0, updated: at };
      setEnd(state, at + (access === 'one-time' ? 1 : (days ?? 90)) * day, at);
      tell('connectionAdded', at);
      sync(state, at);
      return true;
    }
    if (!state) return false;
    switch (action.kind) {
      case 'reconsent':
        return extend(state, at + (action.days ?? 90) * day, at);
      case 'extend':
        // Stored two hours earlier than sent (§4.5).
        if (plan.client !== 'identity-service-own-consent') return false;
        return extendByClient(state, at + action.days * day - 2 * hour, at);
      case 'reauth':
        if (action.by === 'stranger') return false;
        state.tppConsent = action.days === undefined;
        Object.assign(state, unspoilt);
        setEnd(state, at + (action.days ?? 90) * day, at);
        tell('connectionReauthenticated', at);
        sync(state, at);
        return true;
      case 'withdraw-at-bank':
        state.withdrawn = true;
        return true;
      case 'sync':
        if (state.end <= at) return false;
        sync(state, at);
        return true;
      case 'delete':
        state = undefined;
        tell('connectionDeleted', at);
        return true;
    }
  }

  for (const { at, action } of plan.actions) {
    passTime(at);
    done.push(act(action, at));
  }
  passTime(simulationEnd);
  return { events, done, connection: state && describe(state) };
}

const unspoilt = { expiryTold: false, withdrawn: false, lost: false, failingSince: undefined };

function describe({ end, lost, tppConsent, updated, failingSince }: State): ExpectedConnection {
  const now = simulationEnd;
  const hasExpired = end <= now;
  const hasStopped = failingSince !== undefined && now - failingSince > stoppedAfter;
  const stale = now - updated > staleAfter ? 'resync' : null;
  const error = lost ? 'credentials_error' : hasExpired ? 'sync_error' : stale;
  return {
    status: error === null ? 'ok' : 'error',
    error,
    extendedStatus: hasExpired ? 'expired' : hasStopped ? 'stoppedSyncing' : undefined,
    expiresAt: end,
    tppConsent,
  };
}
