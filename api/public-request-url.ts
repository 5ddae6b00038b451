import type { IncomingMessage } from 'node:http';

/**
 * The URL a request was made to, under the origin of the configuration whose host it names, else
 * under the first; never built from the request's own host (SEC-52).
 * @param origins `https://host[:port]`, at least one.
 */
export function publicRequestUrl(
  request: Pick<IncomingMessage, 'headers'>,
  originalUrl: string,
  origins: readonly [string, ...string[]],
): URL | undefined {
  const host = request.headers.host?.toLowerCase();
  const origin = origins.find((candidate) => new URL(candidate).host === host) ?? origins[0];
  // Joined as text: resolving `//host/path` against a base would leave the origin.
  const url = URL.parse(`${origin}${originalUrl}`);
  return url?.origin === origin ? url : undefined;
}
