import { randomUUID } from 'node:crypto';
import { type ClientMetadata, clients } from './clients.js';
import type { Clock } from './clock.js';
import type { Event, EventType } from './event.js';
import { findAll } from './find-all.js';
import { findPage } from './find-page.js';
import { schedule } from './job.js';
import { Refusal } from './refusal.js';
import { retryConflict } from './retry-conflict.js';
import { put, type Storage, type Stored, update } from './storage.js';
import {
  afterAttempt,
  clientEvent,
  type Delivery,
  deliveries,
  deliveryId,
  keptUntil,
  newDelivery,
  publishedEvents,
} from './webhook-delivery.js';
import { deliverWebhook, type Webhooks } from './webhooks.js';

/** Which deliveries to list. */
export interface DeliveryFilter {
  readonly userId?: string | undefined;
  readonly eventType?: EventType | undefined;
  readonly limit: number;
  readonly offset: number;
}

/** What became of a client's events. Another client's deliveries do not exist for it. */
export interface WebhookDeliveriesService {
  /** Newest event first, and how many there are in all. */
  list(
    clientId: string,
    filter: DeliveryFilter,
  ): Promise<{ readonly listed: readonly Stored<Delivery>[]; readonly total: number }>;
  /** With the event's payload. @throws {Refusal} `not_found` */
  get(clientId: string, id: string): Promise<DeliveryWithEvent>;
  /**
   * Delivers again, now and as often as the first time; also what was received already.
   * @throws {Refusal} `not_found`; `conflict` where the client no longer names the address.
   */
  retry(clientId: string, id: string): Promise<DeliveryWithEvent>;
  /**
   * Sends `webhookTest` to every endpoint, or to the one with this address, and waits for it.
   * @throws {Refusal} `invalid_request` where the client has no such endpoint.
   */
  test(clientId: string, url: string | undefined): Promise<readonly DeliveryWithEvent[]>;
}

export interface DeliveryWithEvent {
  readonly id: string;
  readonly delivery: Delivery;
  readonly event: Event;
}

interface DeliveriesDeps {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly attempt: Webhooks['attempt'];
}

/** Whom a test is about: no user has this id. */
const nobody = '0'.repeat(24);

/** See {@link WebhookDeliveriesService}. */
export function createWebhookDeliveriesService(deps: DeliveriesDeps): WebhookDeliveriesService {
  const { storage, clock, attempt } = deps;

  async function load(clientId: string, id: string) {
    const delivery = await storage.get(deliveries, id);
    if (delivery?.value.clientId !== clientId) throw notFound();
    const event = await storage.get(publishedEvents, delivery.value.eventId);
    if (!event) throw notFound();
    return { delivery, event };
  }

  async function endpointsOf(clientId: string) {
    const client: ClientMetadata = (await storage.get(clients, clientId))?.value ?? {
      client_id: clientId,
    };
    return { client, endpoints: client.webhooks ?? [] };
  }

  async function listOfUser(clientId: string, { userId = '', eventType, ...page }: DeliveryFilter) {
    const all = await findAll(storage, deliveries, { index: 'user', equals: userId });
    const found = all.filter(
      ({ value }) =>
        value.clientId === clientId && (eventType ?? value.eventType) === value.eventType,
    );
    const { limit, offset } = page;
    return { listed: found.reverse().slice(offset, offset + limit), total: found.length };
  }

  return {
    async list(clientId, filter) {
      const { userId, eventType, limit, offset } = filter;
      if (userId !== undefined) return listOfUser(clientId, filter);
      const which =
        eventType === undefined
          ? { index: 'client', equals: clientId }
          : { index: 'client_event', equals: clientEvent(clientId, eventType) };
      const query = { ...which, order: 'descending' } as const;
      const { records, total } = await findPage(storage, deliveries, query, { limit, offset });
      return { listed: records, total };
    },

    async get(clientId, id) {
      const { delivery, event } = await load(clientId, id);
      return { id, delivery: delivery.value, event: event.value };
    },

    async retry(clientId, id) {
      return retryConflict(async () => {
        const { delivery, event } = await load(clientId, id);
        const { endpoints } = await endpointsOf(clientId);
        if (!endpoints.some(({ url }) => url === delivery.value.url)) {
          throw new Refusal('conflict', 'The address is none of this client’s webhooks any more');
        }
        const now = new Date(clock.now());
        const until = keptUntil(clock.now());
        const { attempts } = delivery.value;
        const again = { ...newDelivery(event.value, delivery.value.url, now), attempts };
        await storage.commit([
          update(deliveries, delivery, again, until),
          put(publishedEvents, event.id, event.value, until),
          schedule(deliverWebhook, id, now, {}),
        ]);
        return { id, delivery: again, event: event.value };
      });
    },

    async test(clientId, url) {
      const { client, endpoints } = await endpointsOf(clientId);
      const chosen = endpoints.filter((endpoint) => (url ?? endpoint.url) === endpoint.url);
      if (chosen.length === 0) {
        throw new Refusal('invalid_request', 'This client has no such webhook');
      }
      const now = new Date(clock.now());
      const until = keptUntil(clock.now());
      const event: Event = {
        id: randomUUID(),
        type: 'webhookTest',
        clientId,
        userId: nobody,
        occurredAt: now.toISOString(),
        payload: {},
      };
      const tested = await Promise.all(
        chosen.map(async (endpoint) => {
          const made = newDelivery(event, endpoint.url, now);
          const tried = afterAttempt(made, await attempt(event, endpoint, client), 0);
          // The caller repeats it, nobody else.
          const state: Delivery['state'] = tried.state === 'delivered' ? 'delivered' : 'failed';
          const delivery = { ...tried, state, nextAttemptAt: undefined };
          return { id: deliveryId(event, endpoint.url), delivery, event };
        }),
      );
      await storage.commit([
        put(publishedEvents, event.id, event, until),
        ...tested.map(({ id, delivery }) => put(deliveries, id, delivery, until)),
      ]);
      return tested;
    },
  };
}

function notFound(): Refusal {
  return new Refusal('not_found', 'There is no such delivery');
}
