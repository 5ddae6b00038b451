import type { Configuration } from 'oidc-provider';
import { z } from 'zod';
import type { Clock } from '../../core/clock.js';
import { usableKeys } from '../../core/public-key.js';
import type { GuardedAnswer, GuardedFetch } from '../../http/guarded-fetch.js';
import { shareRequests } from '../../http/share-requests.js';

/** Each is looked at. */
const mostKeys = 100;

const keySet = z.object({ keys: z.array(z.unknown()).max(mostKeys) });

/** The library's own requests (`jwks_uri`, `sector_identifier_uri`) go where a client's address may lead. */
export function outgoingConfiguration(guardedFetch: GuardedFetch, clock: Clock) {
  const readDocument = shareRequests(async (url, headers) => {
    const answer = await guardedFetch(url, { headers });
    // The library would fail too, and ask again for the next request that needs it.
    if (answer.status !== 200) throw new Error(`the answer was ${answer.status}`);
    const document: unknown = JSON.parse(answer.body.toString());
    // A `sector_identifier_uri` leads to a list.
    if (!Object.hasOwn(Object(document), 'keys')) return answer;
    const { data: jwks } = keySet.safeParse(document);
    if (!jwks) throw new Error(`the answer was no set of at most ${mostKeys} keys`);
    // One key that is none would cost the client all others, or what is encrypted to it (SEC-41).
    return { ...answer, body: Buffer.from(JSON.stringify({ keys: usableKeys(jwks.keys) })) };
  }, clock);

  return {
    async fetch(input, { method, headers: given, body, signal } = {}) {
      const headers = Object.fromEntries(new Headers(given));
      if (method !== 'POST') return toResponse(await readDocument(String(input), headers));
      const answer = await guardedFetch(String(input), {
        method,
        headers,
        ...(body !== undefined && body !== null && { body: String(body) }),
        ...(signal && { signal }),
      });
      return toResponse(answer);
    },
  } satisfies Partial<Configuration>;
}

/** With what the library reads of an answer. @throws RangeError for a status that is none. */
function toResponse({ status, headers, body }: GuardedAnswer): Response {
  const kept = new Headers();
  for (const name of ['content-type', 'cache-control', 'expires']) {
    const value = headers[name];
    // A Headers object holds nothing else.
    if (typeof value === 'string' && !/[^\t\x20-\x7e]/.test(value)) kept.set(name, value);
  }
  return new Response(body.length > 0 ? new Uint8Array(body) : null, { status, headers: kept });
}
