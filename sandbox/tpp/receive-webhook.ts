import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import { type Dispatcher, request } from 'undici';
import { z } from 'zod';
import type { DecodedToken } from '../../consent-ui/components/exchange-view.js';
import { Refusal } from '../../core/refusal.js';

/** A webhook that was understood, and where it is signed, verified. */
export interface ReceivedEvent {
  /** The same in each attempt to deliver it. */
  readonly id: string;
  readonly eventType: string;
  readonly userId: string;
  readonly body: unknown;
  readonly decoded: readonly DecodedToken[];
}

interface ReceiverDeps {
  /** `{publicUrl}/oidc` of Assent. */
  readonly issuer: string;
  readonly dispatcher: Dispatcher;
}

const message = z.object({
  id: z.string(),
  eventType: z.string(),
  userId: z.string(),
  payload: z.looseObject({}),
});
const claims = z.looseObject({
  jti: z.string(),
  sub: z.string(),
  events: z.record(z.string().startsWith('urn:com:moneyhub:events:'), z.looseObject({})),
});
const keySet = z.object({ keys: z.array(z.looseObject({ kty: z.string() })) });

/**
 * Reads a webhook, as an app would.
 * @throws {Refusal} `invalid_request` for what is not of Assent, or not for this client.
 */
export async function receiveWebhook(
  { contentType, text }: { readonly contentType: string; readonly text: string },
  clientId: string,
  deps: ReceiverDeps,
): Promise<ReceivedEvent> {
  try {
    if (contentType === 'application/jwt') return await readToken(text, clientId, deps);
    const body = message.parse(JSON.parse(text));
    return { ...body, body, decoded: [] };
  } catch (cause) {
    throw new Refusal('invalid_request', 'This is no webhook for this client.', { cause });
  }
}

/** A Security Event Token. Its issuer is Assent's base, without `/oidc`, which keeps the keys. */
async function readToken(token: string, clientId: string, { issuer, dispatcher }: ReceiverDeps) {
  // Read anew each time, which is enough for a sandbox; an app keeps them.
  const answer = await request(`${issuer}/certs`, { dispatcher });
  const keys = createLocalJWKSet(keySet.parse(await answer.body.json()));
  const expected = { issuer: issuer.replace(/\/oidc$/, ''), audience: clientId };
  const { payload } = await jwtVerify(token, keys, expected);
  const { jti, sub, events } = claims.parse(payload);
  const [uri = ''] = Object.keys(events);
  const header = decodeProtectedHeader(token);
  return {
    id: jti,
    eventType: uri.slice(uri.lastIndexOf(':') + 1),
    userId: sub,
    body: token,
    decoded: [{ label: 'Security event token, verified', header, payload }],
  };
}
