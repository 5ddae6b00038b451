import type { Clock } from './clock.js';
import type { Logger } from './logger.js';
import { type Collection, insert, put, type Storage, StorageConflict } from './storage.js';

/** One rule that a request met or did not meet. */
export interface RuleOutcome {
  /** What it asks for, in a few words. */
  readonly rule: string;
  /** Where it is written. */
  readonly clause?: string | undefined;
  /** What it was asked of, redacted: nothing secret, nothing of a person. */
  readonly input?: string | undefined;
  readonly outcome: 'met' | 'not met';
}

/** Why a request was refused: the rules in the order in which they were looked at. */
export interface Explanation {
  readonly traceId: string;
  /** The client it concerns; absent where nobody knows. */
  readonly clientId?: string | undefined;
  /** ISO 8601 */
  readonly at: string;
  /** Which endpoint or call, by its name. */
  readonly endpoint: string;
  /** As it was answered. */
  readonly error: string;
  readonly description?: string | undefined;
  readonly rules: readonly RuleOutcome[];
}

/** Explanations, which end after a day, by the trace and by the client. */
export const explanations: Collection<Explanation> = {
  name: 'explanation',
  indexes: ['trace', 'client'],
  indexValues: ({ traceId, clientId }) => ({ trace: traceId, client: clientId }),
};

/** A refusal to be remembered. */
export interface Refused extends Omit<Explanation, 'at'> {
  /** Whether the client proved who it is: others can be refused in its name. */
  readonly authenticated: boolean;
}

export interface Explanations {
  /** Remembers why a request was refused. Nothing waits for it, and it never fails. */
  record(refused: Refused): void;
  /** Those of a trace, the latest first. @param clientId those of this client only. */
  find(traceId: string, clientId?: string): Promise<readonly Explanation[]>;
  /** Those of a client, the latest first: of what a browser brought, a client knows no trace. */
  list(clientId: string): Promise<readonly Explanation[]>;
  /** Resolves when what was recorded is stored. */
  settle(): Promise<void>;
}

interface ExplanationsDeps {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly logger: Logger;
  /** From 0 up to 1. */
  readonly random: () => number;
}

/** Refused to a client, or as this client to anybody. */
type Kind = 'by' | 'as';

const keptFor = 24 * 60 * 60 * 1000;
/** Kept of a client, and as many of those who only use its name; a new one takes the place of one of them. */
const places = 100;
/** So many are looked at for one that is empty, before one that is not is taken. */
const looks = 4;
/**
 * Stored in a minute by one process, of those who proved who they are, and as many of others: those of
 * one client at one endpoint, and all. Beyond, they are in the log alone.
 */
const perMinute = { client: 60, all: 1200 };

/** See {@link Explanations}. However many requests are refused, a client has its few places. */
export function createExplanations(deps: ExplanationsDeps): Explanations {
  const { storage, clock, logger, random } = deps;
  const underWay = new Set<Promise<void>>();
  let minute = 0;
  let counts = new Map<string, number>();
  /** Those of whom no empty place was found in this minute: looking again would cost commits. */
  let full = new Set<string>();

  function mayStore(kind: Kind, owner: string): boolean {
    const now = Math.floor(clock.now() / 60_000);
    if (now !== minute) {
      minute = now;
      counts = new Map();
      full = new Set();
    }
    const [own = 0, all = 0] = [counts.get(owner), counts.get(kind)];
    if (own >= perMinute.client || all >= perMinute.all) return false;
    counts.set(owner, own + 1).set(kind, all + 1);
    return true;
  }

  async function keep(owner: string, explanation: Explanation): Promise<void> {
    const place = () => `${owner}:${Math.floor(random() * places)}`;
    const expiresAt = new Date(clock.now() + keptFor);
    for (let look = 0; look < looks && !full.has(owner); look++) {
      try {
        return await storage.commit([insert(explanations, place(), explanation, expiresAt)]);
      } catch (error) {
        if (!(error instanceof StorageConflict)) throw error;
      }
    }
    full.add(owner);
    await storage.commit([put(explanations, place(), explanation, expiresAt)]);
  }

  async function store(owner: string, explanation: Explanation): Promise<void> {
    try {
      await keep(owner, explanation);
    } catch (cause) {
      logger.warn({ traceId: explanation.traceId, cause }, 'explanation not stored');
    }
  }

  async function latestFirst(index: string, equals: string): Promise<readonly Explanation[]> {
    const { records } = await storage.find(explanations, { index, equals, limit: 2 * places });
    const found = records.map(({ value }) => value);
    return found.sort((one, other) => Date.parse(other.at) - Date.parse(one.at));
  }

  return {
    record({ authenticated, ...refused }) {
      const kind = authenticated ? 'by' : 'as';
      const owner = `${kind}:${refused.clientId ?? ''}`;
      // Who floods one endpoint in a client's name hides nothing of what another refuses to it.
      if (!mayStore(kind, `${owner} ${refused.endpoint}`)) return;
      const stored = store(owner, { ...refused, at: new Date(clock.now()).toISOString() });
      underWay.add(stored);
      void stored.finally(() => underWay.delete(stored));
    },

    async find(traceId, clientId) {
      const found = await latestFirst('trace', traceId.toLowerCase());
      return found.filter((one) => clientId === undefined || one.clientId === clientId);
    },

    list: (clientId) => latestFirst('client', clientId),

    async settle() {
      await Promise.all(underWay);
    },
  };
}
