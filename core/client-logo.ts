import { z } from 'zod';
import type { ClientMetadata, ClientRecord } from './clients.js';
import type { Clock } from './clock.js';
import { handleJob, type JobHandler, type JobKind, schedule, unschedule } from './job.js';
import { createLanes } from './lanes.js';
import type { Logger } from './logger.js';
import { type Collection, put, remove, type Storage, type Write } from './storage.js';

/** A client's logo, written anew and kept, so that no page loads anything from the client's server. */
export interface ClientLogo {
  /** The `logo_uri` that was asked last. */
  readonly uri: string;
  /** PNG, base64; absent where there is none to show. */
  readonly png?: string | undefined;
  /** Why there is none, or no newer one: one sentence. */
  readonly problem?: string | undefined;
}

/** Logos by `client_id`. */
export const clientLogos: Collection<ClientLogo> = {
  name: 'client_logo',
  indexes: [],
  indexValues: () => ({}),
};

/** What became of a client's `logo_uri`, for operators. */
export interface LogoView {
  readonly status: 'pending' | 'shown' | 'failed';
  readonly problem?: string;
}

/** See {@link LogoView}; undefined where the client names none. */
export async function viewLogo(
  storage: Pick<Storage, 'get'>,
  { client_id: clientId, logo_uri: uri }: ClientRecord,
): Promise<LogoView | undefined> {
  if (uri === undefined) return undefined;
  const logo = (await storage.get(clientLogos, clientId))?.value;
  if (logo?.uri !== uri) return { status: 'pending' };
  const { png, problem } = logo;
  const status = png === undefined ? 'failed' : 'shown';
  return { status, ...(problem !== undefined && { problem }) };
}

interface FetchOrder {
  readonly uri: string;
  /** How often its server gave no answer. */
  readonly attempts?: number | undefined;
}

const fetchLogo: JobKind<FetchOrder> = {
  name: 'fetch-client-logo',
  data: z.object({ uri: z.string(), attempts: z.number().optional() }),
};

/**
 * The writes that have a client's logo fetched where its address changes, for the commit of the change:
 * nothing waits for it, and no client is refused for a logo.
 * @param after undefined where the client is removed.
 */
export function keepLogo(
  clientId: string,
  before: ClientMetadata | undefined,
  after: ClientMetadata | undefined,
  at: Date,
): readonly Write[] {
  const uri = after?.logo_uri;
  if (uri === before?.logo_uri) return [];
  if (uri === undefined) return [unschedule(fetchLogo, clientId), remove(clientLogos, clientId)];
  return [fetchLogoAt(clientId, uri, at)];
}

/** The write that has a logo fetched, also one that was fetched before. */
export function fetchLogoAt(clientId: string, uri: string, at: Date): Write {
  return schedule(fetchLogo, clientId, at, { uri });
}

/** What an address came to: a logo, or why there is none and whether asking again may help. */
export type LoadedLogo =
  | { readonly png: Buffer }
  | { readonly problem: string; readonly mayPass: boolean };

interface LogoHandlerDeps {
  readonly storage: Pick<Storage, 'get'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly load: (uri: string) => Promise<LoadedLogo>;
}

/** How often a server that gives no answer is asked, and the first pause, which doubles (milliseconds). */
const mostAttempts = 5;
const firstPause = 60_000;

/**
 * Logos fetched at once in one process: the servers are those of clients that nobody may know, and take
 * their time; all other jobs go on (SEC-46).
 */
const laneWidth = 4;
/** Whoever waits for a turn comes back no sooner (milliseconds). */
const shortestTurn = 500;

/** Fetches logos. What was shown of an address stays until there is a newer answer. */
export function createLogoHandler({ storage, clock, logger, load }: LogoHandlerDeps): JobHandler {
  const lanes = createLanes(laneWidth);

  return handleJob(fetchLogo, async ({ uri, attempts = 0 }, { key: clientId }) => {
    const began = clock.now();
    const turn = lanes.enter('logos', began);
    if ('comeBack' in turn) return { writes: [], again: { due: turn.comeBack } };
    const loaded = await load(uri).finally(() =>
      turn.leave(Math.max(clock.now() - began, shortestTurn)),
    );
    if ('png' in loaded) {
      return { writes: [put(clientLogos, clientId, { uri, png: loaded.png.toString('base64') })] };
    }
    const { problem, mayPass } = loaded;
    logger.warn({ clientId, problem, attempts }, 'the logo of a client could not be fetched');
    const kept = (await storage.get(clientLogos, clientId))?.value;
    const png = mayPass && kept?.uri === uri ? kept.png : undefined;
    const pause = firstPause * 2 ** attempts;
    const isLast = !mayPass || attempts + 1 >= mostAttempts;
    return {
      writes: [put(clientLogos, clientId, { uri, problem, ...(png !== undefined && { png }) })],
      ...(!isLast && {
        again: { due: new Date(clock.now() + pause), data: { uri, attempts: attempts + 1 } },
      }),
    };
  });
}
