import { z } from 'zod';
import { type ClientMetadata, clients, findActiveClient } from './clients.js';
import type { Clock } from './clock.js';
import { type Event, publishEvent } from './event.js';
import { handleJob, type JobHandler, type JobKind, schedule } from './job.js';
import { createLanes } from './lanes.js';
import type { Logger } from './logger.js';
import { retryConflict } from './retry-conflict.js';
import { insert, put, type Storage, update, type Write } from './storage.js';
import {
  afterAttempt,
  type DeliveryAttempt,
  type DeliveryFailure,
  type DeliveryResult,
  deliveries,
  deliveryId,
  keptUntil,
  newDelivery,
  publishedEvents,
} from './webhook-delivery.js';
import type { WebhookEndpoint } from './webhook-endpoint.js';
import { composeMessage, type SignEvent, type WebhookMessage } from './webhook-message.js';

/** Posts a message, bounded in time; never throws for what the endpoint does. */
export type SendWebhook = (url: string, message: WebhookMessage) => Promise<DeliveryResult>;

/**
 * Tells clients of events (architecture decision 23). An event becomes one delivery for each endpoint
 * that wants it, each delivery a job of its own, tried again until it is received or given up. So a
 * delivery may come more than once, and always with the event's id.
 */
export interface Webhooks {
  readonly jobs: readonly JobHandler[];
  /** One attempt, for whoever waits for it; it is neither stored nor repeated. */
  attempt(
    event: Event,
    endpoint: WebhookEndpoint,
    client: ClientMetadata,
  ): Promise<DeliveryAttempt>;
}

export interface WebhooksDeps {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly logger: Logger;
  /** In [0, 1), as `Math.random`. */
  readonly random: () => number;
  readonly send: SendWebhook;
  readonly sign: SignEvent;
  /** The identity service's base, without `/oidc`. */
  readonly issuer: string;
}

/** A delivery's next attempt; the job's key is the delivery's id. */
export const deliverWebhook: JobKind<Record<string, never>> = {
  name: 'deliver-webhook',
  data: z.record(z.string(), z.never()),
};

/** Deliveries to one client, at all its addresses, that are under way at once in one process. */
const laneWidth = 2;

/** See {@link Webhooks}. */
export function createWebhooks(deps: WebhooksDeps): Webhooks {
  const { storage, clock, logger, random, send, sign, issuer } = deps;
  const lanes = createLanes(laneWidth);

  /**
   * Commits by itself, and not with the job's end: on an engine without transactions the job would be
   * gone first, and a crash in between would lose the event. Done again, it adds what is missing.
   */
  async function publish(event: Event): Promise<void> {
    const client = await storage.get(clients, event.clientId);
    const interested = (client?.value.webhooks ?? []).filter(({ events }) =>
      events.includes(event.type),
    );
    const queued = await Promise.all(interested.map(({ url }) => queue(event, url)));
    const writes = queued.flat();
    if (writes.length === 0) return;
    const kept = put(publishedEvents, event.id, event, keptUntil(clock.now()));
    await storage.commit([...writes, kept]);
  }

  async function queue(event: Event, url: string): Promise<readonly Write[]> {
    const now = new Date(clock.now());
    const id = deliveryId(event, url);
    const stored = await storage.get(deliveries, id);
    if (stored && stored.value.attempts.length > 0) return [];
    const delivery = newDelivery(event, url, now);
    return [
      ...(stored ? [] : [insert(deliveries, id, delivery, keptUntil(clock.now()))]),
      schedule(deliverWebhook, id, now, {}),
    ];
  }

  /** Commits by itself, for the same reason. @returns when to come again, if at all. */
  async function deliver(id: string): Promise<Date | undefined> {
    const stored = await storage.get(deliveries, id);
    if (stored?.value.state !== 'pending') return undefined;
    const { eventId, clientId, url, nextAttemptAt = '' } = stored.value;
    // An attempt was recorded, and its process ended before the job was put off.
    if (Date.parse(nextAttemptAt) > clock.now()) return new Date(nextAttemptAt);
    const [event, client] = await Promise.all([
      storage.get(publishedEvents, eventId),
      findActiveClient(storage, clientId),
    ]);
    const endpoint = client?.value.webhooks?.find((one) => one.url === url);
    if (!event || !client || !endpoint) return record(id, failed('not_configured'));
    const attempt = await perform(event.value, endpoint, client.value, clientId);
    return 'comeBack' in attempt ? attempt.comeBack : record(id, attempt);
  }

  async function perform(
    event: Event,
    endpoint: WebhookEndpoint,
    client: ClientMetadata,
    lane: string,
  ) {
    const now = new Date(clock.now());
    const turn = lanes.enter(lane, clock.now());
    if ('comeBack' in turn) return turn;
    let milliseconds = 0;
    try {
      const message = await composeMessage(event, endpoint, client, { issuer, sign });
      const result = await send(endpoint.url, message);
      milliseconds = result.milliseconds;
      return { at: now.toISOString(), ...result };
    } finally {
      turn.leave(milliseconds);
    }
  }

  /** @returns when to come again, or undefined where the delivery is over. */
  async function record(id: string, attempt: DeliveryAttempt): Promise<Date | undefined> {
    return retryConflict(async () => {
      const stored = await storage.get(deliveries, id);
      if (!stored || stored.value.state === 'delivered') return undefined;
      const delivery = afterAttempt(stored.value, attempt, random());
      await storage.commit([update(deliveries, stored, delivery)]);
      const { clientId, eventType, state, nextAttemptAt } = delivery;
      if (state === 'failed') logger.warn({ clientId, eventType, id }, 'webhook given up');
      return nextAttemptAt === undefined ? undefined : new Date(nextAttemptAt);
    });
  }

  function failed(failure: DeliveryFailure): DeliveryAttempt {
    return { at: new Date(clock.now()).toISOString(), milliseconds: 0, failure };
  }

  return {
    jobs: [
      handleJob(publishEvent, async (event) => {
        await publish(event);
        return { writes: [] };
      }),
      handleJob(
        deliverWebhook,
        async (_data, { key }) => {
          const due = await deliver(key);
          return { writes: [], again: due && { due } };
        },
        () => 'deliveries',
      ),
    ],
    async attempt(event, endpoint, client) {
      // Its caller waits for all of a client's addresses, and it takes no job's place.
      const lane = `${event.clientId} ${endpoint.url}`;
      const attempt = await perform(event, endpoint, client, lane);
      return 'comeBack' in attempt ? failed('busy') : attempt;
    },
  };
}
