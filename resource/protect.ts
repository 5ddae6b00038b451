import { randomUUID, X509Certificate } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { TLSSocket } from 'node:tls';
import type { Middleware } from 'koa';
import type { TokenFacts } from './access-token.js';
import { AccessRefused, type Guard, type Requirements, type ResourceRequest } from './guard.js';

export interface ProtectOptions {
  /** The resource's own public origin, `https://host[:port]`. DPoP proofs must name it. */
  readonly origin: string;
  /**
   * The client certificate of a request; by default that of the TLS connection. Behind a proxy, read
   * here what the proxy passes on, and only from a proxy that proved to be yours.
   */
  readonly readCertificate?: (request: IncomingMessage) => X509Certificate | undefined;
}

/** As Express knows a request: Node's own, with the URL as it was before routers shortened it. */
type ExpressRequest = IncomingMessage & { originalUrl?: string };
type ExpressNext = (error?: unknown) => void;

/** A guard as the frameworks want it; both answer refusals themselves, as RFC 6750 says. */
export interface Protect<Facts extends TokenFacts> {
  /** Koa middleware; leaves the facts in `ctx.state.token`. */
  koa(requirements?: Requirements): Middleware;
  /** Express middleware; leaves the facts in `response.locals.token`. */
  express(
    requirements?: Requirements,
  ): (
    request: ExpressRequest,
    response: ServerResponse & { locals: Record<string, unknown> & { token?: Facts } },
    next: ExpressNext,
  ) => Promise<void>;
}

/** Puts a guard in front of a Koa or an Express application. */
export function createProtect<Facts extends TokenFacts>(
  guard: Guard<Facts>,
  { origin, readCertificate = certificateOfConnection }: ProtectOptions,
): Protect<Facts> {
  function toResourceRequest(request: IncomingMessage, originalUrl: string): ResourceRequest {
    // Joined as text: resolving `//host/path` against a base would leave the origin.
    const url = URL.parse(`${origin}${originalUrl}`);
    if (url?.origin !== origin) throw new AccessRefused(400, 'The request names no path', []);
    // Node reads the first alone; another program on the way may have read another.
    if ((request.headersDistinct.authorization?.length ?? 0) > 1) {
      throw new AccessRefused(400, 'The request has several Authorization headers', []);
    }
    const { method = 'GET', headers } = request;
    return { method, url, headers, certificate: readCertificate(request) };
  }

  return {
    koa: (requirements) =>
      async function protectKoa(ctx, next) {
        ctx.set(interactionHeader, interactionId(ctx.req));
        try {
          const request = toResourceRequest(ctx.req, ctx.originalUrl);
          ctx.state.token = await guard.admit(request, requirements);
        } catch (error) {
          if (!(error instanceof AccessRefused)) throw error;
          ctx.status = error.status;
          ctx.set({ ...error.headers });
          ctx.body = describeRefusal(error);
          return;
        }
        await next();
      },

    express: (requirements) =>
      async function protectExpress(request, response, next) {
        response.setHeader(interactionHeader, interactionId(request));
        try {
          const { originalUrl = request.url ?? '' } = request;
          const facts = await guard.admit(toResourceRequest(request, originalUrl), requirements);
          response.locals.token = facts;
        } catch (error) {
          if (!(error instanceof AccessRefused)) return next(error);
          response.writeHead(error.status, {
            ...error.headers,
            'content-type': 'application/json; charset=utf-8',
          });
          response.end(JSON.stringify(describeRefusal(error)));
          return;
        }
        next();
      },
  };
}

const interactionHeader = 'x-fapi-interaction-id';
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** FAPI 1.0 Baseline §6.2.1-11: the caller's where it is a UUID, else a new one. */
function interactionId({ headers }: IncomingMessage): string {
  const given = headers[interactionHeader];
  return typeof given === 'string' && uuid.test(given) ? given : randomUUID();
}

function describeRefusal({ error = 'invalid_request', message }: AccessRefused) {
  return { error, error_description: message };
}

function certificateOfConnection({ socket }: IncomingMessage): X509Certificate | undefined {
  if (!(socket instanceof TLSSocket)) return undefined;
  const { raw } = socket.getPeerCertificate();
  return raw && new X509Certificate(raw);
}
