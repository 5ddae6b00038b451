import type { ClientMetadata } from './clients.js';
import type { Event } from './event.js';
import type { WebhookEndpoint } from './webhook-endpoint.js';

/** What is posted to an endpoint. */
export interface WebhookMessage {
  readonly contentType: 'application/json' | 'application/jwt';
  readonly body: string;
}

/**
 * Signs claims as a compact JWS.
 * @param algorithm what the client prefers; another is used where it is none of the settings'.
 */
export type SignEvent = (
  claims: Readonly<Record<string, unknown>>,
  algorithm: unknown,
) => Promise<string>;

interface MessageDeps {
  /** The identity service's base, without `/oidc`. */
  readonly issuer: string;
  readonly sign: SignEvent;
}

/** An event in the format of an endpoint (identity-service.md §5). */
export async function composeMessage(
  event: Event,
  { format }: WebhookEndpoint,
  client: ClientMetadata,
  { issuer, sign }: MessageDeps,
): Promise<WebhookMessage> {
  const { id, type, userId, occurredAt, payload } = event;
  if (format !== 'jwt') {
    const body = JSON.stringify({ id, eventType: type, userId, payload });
    return { contentType: 'application/json', body };
  }
  const claims = {
    iss: issuer,
    aud: client.client_id,
    jti: id,
    sub: userId,
    // One token for all attempts (RFC 8417 §2.2).
    iat: Math.floor(Date.parse(occurredAt) / 1000),
    events: { [eventUri(type)]: payload },
  };
  const body = await sign(claims, client.id_token_signed_response_alg);
  return { contentType: 'application/jwt', body };
}

/** `reauthReminder` is `urn:com:moneyhub:events:reauth-reminder`. */
function eventUri(type: Event['type']): string {
  const name = type.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return `urn:com:moneyhub:events:${name}`;
}
