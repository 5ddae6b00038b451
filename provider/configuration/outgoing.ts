import type { Configuration } from 'oidc-provider';
import type { GuardedAnswer, GuardedFetch } from '../../http/guarded-fetch.js';

/** The library's own requests (`jwks_uri`, `sector_identifier_uri`) go where a client's address may lead. */
export function outgoingConfiguration(guardedFetch: GuardedFetch) {
  return {
    async fetch(input, { method, headers, body, signal } = {}) {
      const answer = await guardedFetch(String(input), {
        method: method === 'POST' ? 'POST' : 'GET',
        headers: Object.fromEntries(new Headers(headers)),
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
