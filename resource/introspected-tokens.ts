import { setTimeout as wait } from 'node:timers/promises';
import { type Configuration, tokenIntrospection } from 'openid-client';
import { z } from 'zod';
import type { TokenFacts, TokenReader } from './access-token.js';
import { AccessRefused } from './guard.js';

/** Longest wait for the issuer (milliseconds): callers wait for it, too. */
const patience = 5_000;

/** How far the clock of the issuer may be ahead (seconds). */
const tolerance = 60;

/** The last second of ECMAScript time. */
const latest = 8.64e12;

/** What is read of an introspection response (RFC 7662 §2.2, RFC 8705 §3.2, RFC 9449 §6.2, RFC 9470 §6.2). */
const activeSchema = z
  .object({
    active: z.literal(true),
    client_id: z.string(),
    // Only access tokens have one (RFC 6749 §5.1): a refresh token opens no API.
    token_type: z
      .string()
      .toLowerCase()
      .pipe(z.enum(['bearer', 'dpop'])),
    sub: z.string().optional(),
    scope: z.string().default(''),
    exp: z.number().max(latest),
    nbf: z.number().optional(),
    iss: z.string().optional(),
    aud: z.union([z.string(), z.array(z.string())]).optional(),
    acr: z.string().optional(),
    auth_time: z.number().optional(),
    // RFC 7800 §3.1: what it is bound to otherwise, nobody here would ask for.
    cnf: z
      .strictObject({ 'x5t#S256': z.string().optional(), jkt: z.string().optional() })
      .refine((cnf) => Object.keys(cnf).length > 0)
      .optional(),
  })
  // The scheme that a caller must use is taken from the key (RFC 9449 §7.1).
  .refine(({ token_type, cnf }) => (token_type === 'dpop') === (cnf?.jkt !== undefined));

/** Facts with the whole response, e.g. the consent in it. */
export interface IntrospectedFacts extends TokenFacts {
  readonly response: Readonly<Record<string, unknown>>;
}

interface ReaderOptions {
  /**
   * What tokens must be for (RFC 9068 §4, RFC 8707); one that is for nothing certain is none. Absent, any
   * token of the issuer is read.
   */
  readonly audience?: string | undefined;
  /** Told why the issuer did not say what a token is. */
  readonly onOutage?: (cause: unknown) => void;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

/**
 * Asks the issuer about each token, each time, for five seconds at most: what was revoked there ends here
 * at the next call.
 * @param configuration of `openid-client`: the issuer, and the resource as a client of it. Its `timeout`
 * holds where it is less.
 */
export function createIntrospectedTokens(
  configuration: Configuration,
  { audience, onOutage = () => {}, now = Date.now }: ReaderOptions = {},
): TokenReader<IntrospectedFacts> {
  return {
    async read(token) {
      const response = await introspect(configuration, token).catch((cause: unknown) => {
        onOutage(cause);
        const message = 'The issuer does not say what the access token is; try again later';
        throw new AccessRefused(503, message, []);
      });
      const parsed = activeSchema.safeParse(response);
      if (!parsed.success) return undefined;
      const { iss, aud, client_id, sub, scope, exp, nbf = 0, acr, auth_time, cnf } = parsed.data;
      if (iss !== undefined && iss !== configuration.serverMetadata().issuer) return undefined;
      if (Math.max(nbf, auth_time ?? 0) > now() / 1000 + tolerance) return undefined;
      if (audience !== undefined && ![aud].flat().includes(audience)) return undefined;
      return {
        clientId: client_id,
        subject: sub,
        scopes: new Set(scope.split(' ').filter(Boolean)),
        certificateThumbprint: cnf?.['x5t#S256'],
        keyThumbprint: cnf?.jkt,
        acr,
        authenticatedAt: auth_time === undefined ? undefined : new Date(auth_time * 1000),
        expiresAt: new Date(exp * 1000),
        response: { ...response },
      };
    },
  };
}

/** @throws where the issuer does not answer in time: its own timeout is for whatever it is asked. */
async function introspect(configuration: Configuration, token: string) {
  const given = new AbortController();
  const late = wait(patience, undefined, { signal: given.signal }).then(() => {
    throw new TypeError('the issuer did not answer in time');
  });
  try {
    return await Promise.race([late, tokenIntrospection(configuration, token)]);
  } finally {
    given.abort();
  }
}
