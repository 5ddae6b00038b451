import { z } from 'zod';
import { eventTypes } from '../../core/event.js';
import type { WebhookDeliveriesService } from '../../core/webhook-deliveries-service.js';
import { listOf, paging } from '../envelope.js';
import { defineOperation, noBody, noParameters, type Operation } from '../operation.js';
import {
  deliverySchema,
  deliveryWithPayloadSchema,
  describeDelivery,
  describeDeliveryWithPayload,
} from './webhook-schema.js';

const params = z.object({ deliveryId: z.string() });
const one = z.object({ data: deliveryWithPayloadSchema, meta: z.object({}) });

/** What became of the events that the client is told of, and a test of its endpoints. */
export function createWebhookOperations(
  webhookDeliveries: WebhookDeliveriesService,
): readonly Operation[] {
  return [
    defineOperation({
      id: 'getWebhookDeliveries',
      method: 'get',
      path: '/webhook-deliveries',
      summary: 'List the webhook deliveries of the last 30 days, newest event first',
      scopes: ['webhooks:read'],
      params: noParameters,
      query: z.object({
        ...paging,
        userId: z.string().optional(),
        eventType: z.enum(eventTypes).optional(),
      }),
      body: noBody,
      status: 200,
      answer: listOf(deliverySchema),
      errors: [],
      async handle({ token, query }) {
        const { listed, total } = await webhookDeliveries.list(token.clientId, query);
        const data = listed.map(({ id, value }) => describeDelivery(id, value));
        return { data, meta: { total, limit: query.limit, offset: query.offset } };
      },
    }),
    defineOperation({
      id: 'getWebhookDelivery',
      method: 'get',
      path: '/webhook-deliveries/{deliveryId}',
      summary: 'Read one webhook delivery, with every attempt and what was sent',
      scopes: ['webhooks:read'],
      params,
      query: noParameters,
      body: noBody,
      status: 200,
      answer: one,
      errors: ['NotFound'],
      async handle({ token, params: { deliveryId } }) {
        const found = await webhookDeliveries.get(token.clientId, deliveryId);
        return { data: describeDeliveryWithPayload(found), meta: {} };
      },
    }),
    defineOperation({
      id: 'retryWebhookDelivery',
      method: 'post',
      path: '/webhook-deliveries/{deliveryId}/retry',
      summary: 'Deliver again, now, with the same event id; also what was received already',
      scopes: ['webhooks:write'],
      params,
      query: noParameters,
      body: noBody,
      status: 200,
      answer: one,
      errors: ['NotFound', 'Conflict'],
      async handle({ token, params: { deliveryId } }) {
        const again = await webhookDeliveries.retry(token.clientId, deliveryId);
        return { data: describeDeliveryWithPayload(again), meta: {} };
      },
    }),
    defineOperation({
      id: 'testWebhooks',
      method: 'post',
      path: '/webhook-tests',
      summary: 'Send a `webhookTest` event to every endpoint, or to one, and wait for the answers',
      scopes: ['webhooks:write'],
      params: noParameters,
      query: noParameters,
      body: z.object({ url: z.string().optional() }),
      status: 200,
      answer: z.object({ data: z.array(deliveryWithPayloadSchema), meta: z.object({}) }),
      errors: [],
      async handle({ token, body: { url } }) {
        const tested = await webhookDeliveries.test(token.clientId, url);
        return { data: tested.map(describeDeliveryWithPayload), meta: {} };
      },
    }),
  ];
}
