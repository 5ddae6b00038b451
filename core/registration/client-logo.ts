import { z } from 'zod';
import type { ClientRecord } from '../clients.js';
import { handleJob, type JobHandler, type JobKind, schedule, unschedule } from '../job.js';
import { type Collection, put, remove, type Write } from '../storage.js';

/** A client's logo, written anew and kept, so that no page loads anything from the client's server. */
export interface ClientLogo {
  /** The `logo_uri` it came from. */
  readonly uri: string;
  /** PNG, base64. */
  readonly png: string;
}

/** Logos by `client_id`. */
export const clientLogos: Collection<ClientLogo> = {
  name: 'client_logo',
  indexes: [],
  indexValues: () => ({}),
};

const fetchLogo: JobKind<{ readonly uri: string }> = {
  name: 'fetch-client-logo',
  data: z.object({ uri: z.string() }),
};

/** The writes that have a client's logo fetched where it changes; nothing waits for it. */
export function keepLogo(
  before: ClientRecord | undefined,
  after: ClientRecord,
  at: Date,
): readonly Write[] {
  const { client_id: clientId, logo_uri: uri } = after;
  if (uri === before?.logo_uri) return [];
  if (uri === undefined) return [unschedule(fetchLogo, clientId), remove(clientLogos, clientId)];
  return [schedule(fetchLogo, clientId, at, { uri })];
}

/** How often a server that does not answer is asked. */
const mostAttempts = 5;

/**
 * Fetches logos.
 * @param load the logo at an address, written anew as PNG; undefined where there is none that can be
 * shown. It throws where there was no answer.
 */
export function createLogoHandler(load: (uri: string) => Promise<Buffer | undefined>): JobHandler {
  return handleJob(fetchLogo, async ({ uri }, { key: clientId, failures }) => {
    if (failures >= mostAttempts) return { writes: [remove(clientLogos, clientId)] };
    const png = await load(uri);
    if (!png) return { writes: [remove(clientLogos, clientId)] };
    return { writes: [put(clientLogos, clientId, { uri, png: png.toString('base64') })] };
  });
}
