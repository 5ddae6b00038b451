import { Agent, request } from 'undici';
import type { Clock } from '../../core/clock.js';
import { InstitutionError } from '../../core/institution.js';
import { invalidAnswer, rateLimited, toTransportError } from '../institution-errors.js';

const maxAnswerBytes = 5 * 1024 * 1024;

export interface BankFetchOptions {
  /** As the person knows it; for messages. */
  readonly bankName: string;
  /** Client certificate, its key, and the authority of the bank's servers, PEM. */
  readonly certificate: string;
  readonly key: string;
  readonly certificateAuthority?: string | undefined;
  readonly timeoutSeconds: number;
  readonly clock: Clock;
}

/** What is sent; the part of `RequestInit` that the connector and openid-client use. */
export interface BankRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

/**
 * One request to the bank: mutual TLS, no redirects, bounded in time and size, answered with the
 * whole body. What the bank answers with 2xx or 4xx is for the caller to read.
 * @throws {InstitutionError} `unavailable` for no answer in time, a broken connection and 5xx;
 * `rate_limited` for 429; `invalid_answer` for a redirect, an answer above 5 MiB, or one that is not HTTP.
 */
export type BankFetch = (url: string, request?: BankRequest) => Promise<Response>;

export function createBankFetch(options: BankFetchOptions): BankFetch {
  const { bankName, certificate, key, certificateAuthority, timeoutSeconds, clock } = options;
  const timeout = timeoutSeconds * 1000;
  const dispatcher = new Agent({
    connect: {
      cert: certificate,
      key,
      ...(certificateAuthority !== undefined && { ca: certificateAuthority }),
      timeout,
    },
    connections: 16,
    maxResponseSize: maxAnswerBytes,
  });

  async function exchange(url: string, { method = 'GET', headers, body, signal }: BankRequest) {
    const deadline = AbortSignal.timeout(timeout);
    const answer = await request(url, {
      dispatcher,
      method,
      headers: { accept: 'application/json', ...headers },
      body: body === undefined || body === null ? null : String(body),
      signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
    });
    // Not `fetch`: it would decompress, and a small answer could become one without end.
    const bytes = await answer.body.arrayBuffer();
    return { status: answer.statusCode, headers: toHeaders(answer.headers), bytes };
  }

  return async (url, request = {}) => {
    const answer = await exchange(url, request).catch((cause: unknown) => {
      throw toTransportError(bankName, cause);
    });
    const { status, headers, bytes } = answer;
    if (status === 429) throw rateLimited(bankName, headers.get('retry-after'), clock.now());
    if (status >= 500) {
      throw new InstitutionError('unavailable', `${bankName} is not available right now.`, {
        cause: new Error(`HTTP status ${status}`),
      });
    }
    if (status >= 300 && status < 400) {
      throw invalidAnswer(bankName, new Error(`redirected with HTTP status ${status}`));
    }
    const hasBody = bytes.byteLength > 0 && status !== 205;
    return new Response(hasBody ? bytes : null, { status, headers });
  };
}

/** Only the headers that decide how an answer is read; whatever else a bank sends is not needed. */
function toHeaders(headers: Record<string, string | string[] | undefined>): Headers {
  const kept = new Headers();
  for (const name of ['content-type', 'www-authenticate', 'retry-after']) {
    const value = headers[name];
    // A Headers object holds nothing else.
    if (typeof value === 'string' && !/[^\t\x20-\x7e]/.test(value)) kept.set(name, value);
  }
  return kept;
}
