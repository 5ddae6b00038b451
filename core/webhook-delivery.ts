import { createHash } from 'node:crypto';
import type { Event } from './event.js';
import { orderedUuid } from './ordered-uuid.js';
import type { Collection } from './storage.js';

/** Why an attempt came to no answer. */
export const deliveryFailures = [
  'invalid_url',
  'no_public_address',
  'connection_failed',
  'tls_failed',
  'timed_out',
  'too_large',
  'invalid_answer',
  /** The client no longer names the address. */
  'not_configured',
  /** As many deliveries to the endpoint as may be were under way. */
  'busy',
] as const;
export type DeliveryFailure = (typeof deliveryFailures)[number];

/** What an endpoint answered, or why it did not. What it said is not kept. */
export type DeliveryResult = { readonly milliseconds: number } & (
  | { readonly status: number }
  | { readonly failure: DeliveryFailure }
);

export type DeliveryAttempt = DeliveryResult & {
  /** ISO 8601: when it began. */
  readonly at: string;
};

/** One event on its way to one endpoint, and what became of it. */
export interface Delivery {
  readonly eventId: string;
  readonly eventType: Event['type'];
  readonly clientId: string;
  readonly userId: string;
  /** ISO 8601 */
  readonly occurredAt: string;
  readonly url: string;
  readonly state: 'pending' | 'delivered' | 'failed';
  /** ISO 8601, while it is pending: not before. */
  readonly nextAttemptAt?: string | undefined;
  /** Attempts since the event, or since the client asked for more. */
  readonly tries: number;
  /** Oldest first; the last fifty. */
  readonly attempts: readonly DeliveryAttempt[];
}

/** Deliveries by id; all indexes list them in the order of their events. */
export const deliveries: Collection<Delivery> = {
  name: 'webhook_delivery',
  indexes: ['client', 'client_event', 'user'],
  indexValues: ({ clientId, eventType, userId }) => ({
    client: clientId,
    client_event: clientEvent(clientId, eventType),
    // A test is about nobody.
    user: eventType === 'webhookTest' ? undefined : userId,
  }),
};

/** The value of the index `client_event`. */
export function clientEvent(clientId: string, eventType: Event['type']): string {
  return `${eventType} ${clientId}`;
}

/** What the deliveries of an event carry, by its id: once for all of them, since it can be large. */
export const publishedEvents: Collection<Event> = {
  name: 'published_event',
  indexes: [],
  indexValues: () => ({}),
};

const keptMilliseconds = 30 * 86_400_000;

/** When a delivery and its event are forgotten: together, 30 days after the client or we began it. */
export function keptUntil(now: number): Date {
  return new Date(now + keptMilliseconds);
}

/** The same for the same event and address, so that an event published again adds nothing. */
export function deliveryId({ id, occurredAt }: Event, url: string): string {
  const bytes = createHash('sha256').update(`${id} ${url}`).digest();
  return orderedUuid(new Date(occurredAt), bytes);
}

/** An event that is about to be delivered for the first time. */
export function newDelivery(event: Event, url: string, now: Date): Delivery {
  const { id, type, clientId, userId, occurredAt } = event;
  return {
    ...{ eventId: id, eventType: type, clientId, userId, occurredAt, url },
    state: 'pending',
    nextAttemptAt: now.toISOString(),
    tries: 0,
    attempts: [],
  };
}

const mostTries = 12;
const attemptsKept = 50;
const firstPause = 30_000;
const longestPause = 12 * 3_600_000;

/**
 * What an attempt makes of a delivery. Any 20x is received; `410 Gone` and the twelfth failure, after
 * about two days, end it.
 * @param random in [0, 1): spreads by a fifth what failed together.
 */
export function afterAttempt(
  { nextAttemptAt: _, ...delivery }: Delivery,
  attempt: DeliveryAttempt,
  random: number,
): Delivery {
  const tries = delivery.tries + 1;
  const attempts = [...delivery.attempts, attempt].slice(-attemptsKept);
  const status = 'status' in attempt ? attempt.status : undefined;
  const isReceived = status !== undefined && status >= 200 && status < 300;
  if (isReceived) return { ...delivery, state: 'delivered', tries, attempts };
  const isOver = status === 410 || tries >= mostTries || !hasEndpoint(attempt);
  if (isOver) return { ...delivery, state: 'failed', tries, attempts };
  const pause = Math.min(firstPause * 2.5 ** (tries - 1), longestPause) * (0.8 + 0.4 * random);
  const next = new Date(Date.parse(attempt.at) + attempt.milliseconds + pause);
  return { ...delivery, state: 'pending', nextAttemptAt: next.toISOString(), tries, attempts };
}

function hasEndpoint(attempt: DeliveryAttempt): boolean {
  return !('failure' in attempt && attempt.failure === 'not_configured');
}
