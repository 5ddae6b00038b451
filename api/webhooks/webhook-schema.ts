import { z } from 'zod';
import { eventTypes } from '../../core/event.js';
import type { DeliveryWithEvent } from '../../core/webhook-deliveries-service.js';
import { type Delivery, deliveryFailures } from '../../core/webhook-delivery.js';
import { timestamp } from '../envelope.js';

const attempt = z.object({
  at: timestamp,
  milliseconds: z.int(),
  status: z.int().optional().describe('What the endpoint answered'),
  failure: z.enum(deliveryFailures).optional().describe('Why there is no answer'),
});

/** One event on its way to one endpoint. */
export const deliverySchema = z
  .object({
    id: z.uuid(),
    eventId: z.uuid().describe('The `id` that every attempt carries'),
    eventType: z.enum(eventTypes),
    userId: z.string(),
    occurredAt: timestamp,
    url: z.string(),
    state: z.enum(['pending', 'delivered', 'failed']),
    nextAttemptAt: timestamp.optional(),
    attempts: z.array(attempt),
  })
  .meta({ id: 'WebhookDelivery' });

/** The same with what was sent. */
export const deliveryWithPayloadSchema = deliverySchema
  .extend({ payload: z.record(z.string(), z.unknown()) })
  .meta({ id: 'WebhookDeliveryWithPayload' });

/** @returns the delivery in the form of {@link deliverySchema}. */
export function describeDelivery(id: string, delivery: Delivery) {
  const { eventId, eventType, userId, occurredAt, url, state, nextAttemptAt } = delivery;
  return {
    ...{ id, eventId, eventType, userId, occurredAt, url, state },
    ...(nextAttemptAt !== undefined && { nextAttemptAt }),
    attempts: [...delivery.attempts],
  } satisfies z.input<typeof deliverySchema>;
}

/** @returns the delivery in the form of {@link deliveryWithPayloadSchema}. */
export function describeDeliveryWithPayload({ id, delivery, event }: DeliveryWithEvent) {
  return { ...describeDelivery(id, delivery), payload: event.payload };
}
