import { z } from 'zod';
import { eventTypes } from './event.js';

const endpoint = z.strictObject({
  url: z
    .url({ protocol: /^https$/, error: 'must be an https URL' })
    .max(2048)
    .refine(isBare, { error: 'must not contain credentials or a fragment' }),
  events: z.array(z.enum(eventTypes)).min(1),
  /** `json` where none is named. */
  format: z.enum(['json', 'jwt']).optional(),
});

function isBare(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && url.username + url.password + url.hash === '';
}

/** Where a client wants to be told of what (identity-service.md §5). */
export type WebhookEndpoint = Readonly<z.infer<typeof endpoint>>;

/** The member `webhooks` of a client's metadata. An address is one endpoint, with one format. */
export const webhookEndpoints = z
  .array(endpoint)
  .max(10)
  .refine((all) => new Set(all.map(({ url }) => url)).size === all.length, {
    error: 'must not name an address twice',
  });
