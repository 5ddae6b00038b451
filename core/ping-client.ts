import { z } from 'zod';
import { type Approval, approvals } from './approval.js';
import { type ClientMetadata, clients } from './clients.js';
import type { Clock } from './clock.js';
import { handleJob, type JobHandler, type JobKind, schedule } from './job.js';
import type { Logger } from './logger.js';
import type { Storage, Stored, Write } from './storage.js';

const pingSchema = z.object({ approvalId: z.string(), attempt: z.number() });

/** Telling a client in ping mode that a person has decided (CIBA Core §10.2). */
const ping: JobKind<z.infer<typeof pingSchema>> = { name: 'ping-client', data: pingSchema };

/**
 * Posts the `auth_req_id` to a client's notification endpoint, under the bearer token that the client
 * sent with its request.
 * @returns the status; undefined where there was no answer.
 */
export type SendPing = (
  endpoint: string,
  message: { readonly authReqId: string; readonly notificationToken: string },
) => Promise<number | undefined>;

interface PingDeps {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly send: SendPing;
}

/** Until the second attempt (milliseconds); each pause is twice the one before. */
const firstPause = 5_000;

/** The order to tell the client, for the commit of the decision; none where it polls. */
export function schedulePing(
  { id, value }: Stored<Approval>,
  client: ClientMetadata,
  now: Date,
): readonly Write[] {
  const isTold =
    client.backchannel_token_delivery_mode === 'ping' && value.notificationToken !== undefined;
  return isTold ? [schedule(ping, id, now, { approvalId: id, attempt: 1 })] : [];
}

/**
 * Tells clients, again while nobody answers and the tokens can still be fetched. What a client refuses
 * it has heard, and a redirect is never followed.
 */
export function createPingHandler({ storage, clock, logger, send }: PingDeps): JobHandler {
  return handleJob(ping, async ({ approvalId, attempt }) => {
    const approval = (await storage.get(approvals, approvalId))?.value;
    if (approval?.notificationToken === undefined) return { writes: [] };
    const { authReqId, notificationToken, clientId, expiresAt } = approval;
    const client = await storage.get(clients, clientId);
    const endpoint = client?.value.backchannel_client_notification_endpoint;
    if (typeof endpoint !== 'string') return { writes: [] };
    const status = await send(endpoint, { authReqId, notificationToken });
    if (status !== undefined && status >= 200 && status < 300) return { writes: [] };
    const due = new Date(clock.now() + firstPause * 2 ** (attempt - 1));
    const isFinal = !mayPass(status) || due.getTime() >= Date.parse(expiresAt);
    logger.warn({ clientId, status, attempt, isFinal }, 'client not notified');
    if (isFinal) return { writes: [] };
    return { writes: [], again: { due, data: { approvalId, attempt: attempt + 1 } } };
  });
}

/** No answer, "later", and failures of the client's own; everything else is its answer. */
function mayPass(status: number | undefined): boolean {
  return status === undefined || status >= 500 || status === 408 || status === 429;
}
