import { once } from 'node:events';
import { Agent, type Dispatcher, request } from 'undici';
import { z } from 'zod';
import {
  createGuardedConnector,
  type GuardedConnectorOptions,
  NoPublicAddress,
} from './guarded-connector.js';

/** What is sent to a URL that a client gave us. */
export interface GuardedRequest {
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Ends the request earlier than the time it has. */
  readonly signal?: AbortSignal | undefined;
  /** True where the status is all that is wanted: then nothing waits for the body. */
  readonly statusOnly?: boolean;
}

export interface GuardedAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/**
 * One request to a URL that a client gave us: https to public addresses and what the operator allows
 * besides, no redirect followed, no proxy, bounded in time and size.
 * @throws {OutgoingFailure} saying why there is no answer.
 */
export interface GuardedFetch {
  (url: string, request?: GuardedRequest): Promise<GuardedAnswer>;
  /** Ends what is under way. */
  close(): Promise<void>;
}

export type OutgoingFailureReason = keyof typeof failureMessages;

/** What the client may know of it; what it may not is in `cause`, for the log. */
const failureMessages = {
  invalid_url: 'the address must be an https URL without user name and password',
  // A private address and none are told alike, so that nobody maps our network with it.
  no_public_address: 'the host has no public address',
  connection_failed: 'the connection could not be made or broke',
  tls_failed: 'no TLS connection could be made, or its certificate was not valid',
  timed_out: 'there was no whole answer in time',
  too_large: 'the answer was too large',
  invalid_answer: 'the answer was not HTTP',
};

/** There was no answer. The message is public: one sentence, nothing of our network in it. */
export class OutgoingFailure extends Error {
  override readonly name = 'OutgoingFailure';
  readonly reason: OutgoingFailureReason;

  constructor(reason: OutgoingFailureReason, options?: ErrorOptions) {
    super(failureMessages[reason], options);
    this.reason = reason;
  }
}

export interface GuardedFetchOptions
  extends Pick<GuardedConnectorOptions, 'allow' | 'certificateAuthorities' | 'resolve'> {
  /** From the look-up of the name to the last byte (milliseconds); 5 seconds by default. */
  readonly timeout?: number;
  /** Bytes of a body; 64 KiB by default. What comes after is not read. */
  readonly maxAnswerBytes?: number;
}

/** To one host at a time; what comes beyond waits its turn, within the time it has. */
const mostConnections = 32;

/** See {@link GuardedFetch}. */
export function createGuardedFetch(options: GuardedFetchOptions): GuardedFetch {
  const { timeout = 5_000, maxAnswerBytes = 64 * 1024 } = options;
  const dispatcher = new Agent({
    connect: createGuardedConnector({ ...options, timeout }),
    connections: mostConnections,
  });

  async function exchange(
    url: URL,
    sent: GuardedRequest,
    signal: AbortSignal,
  ): Promise<GuardedAnswer> {
    const { method = 'GET', headers = {}, body = null, statusOnly = false } = sent;
    // Not `fetch`: it would decompress, and a small answer could become one without end.
    const answer = await request(url, {
      dispatcher,
      method,
      headers: { 'user-agent': 'Assent', ...headers },
      body,
      signal,
    });
    // In the background, and no further than the connection is worth keeping.
    if (statusOnly) answer.body.dump({ limit: maxAnswerBytes }).catch(() => undefined);
    return {
      status: answer.statusCode,
      headers: answer.headers,
      body: statusOnly ? Buffer.alloc(0) : await readUpTo(answer.body, maxAnswerBytes),
    };
  }

  async function guardedFetch(url: string, sent: GuardedRequest = {}): Promise<GuardedAnswer> {
    const target = URL.parse(url);
    if (target?.protocol !== 'https:' || target.username || target.password) {
      throw new OutgoingFailure('invalid_url');
    }
    const deadline = AbortSignal.timeout(timeout);
    const signal = sent.signal ? AbortSignal.any([sent.signal, deadline]) : deadline;
    // While a connection is being made, undici does not look at the signal.
    const ended = once(signal, 'abort').then(() => Promise.reject(signal.reason));
    return Promise.race([exchange(target, sent, signal), ended]).catch((cause: unknown) => {
      throw cause instanceof OutgoingFailure
        ? cause
        : new OutgoingFailure(reasonOf(cause), { cause });
    });
  }

  return Object.assign(guardedFetch, { close: () => dispatcher.destroy() });
}

async function readUpTo(body: Dispatcher.ResponseData['body'], limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    // Leaving the loop ends the connection.
    if (length > limit) throw new OutgoingFailure('too_large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Errors of undici, of Node.js and of the system, and the `DOMException` of a signal. */
const failure = z
  .object({ name: z.string().catch(''), code: z.string().catch('') })
  .catch({ name: '', code: '' });

function reasonOf(cause: unknown): OutgoingFailureReason {
  if (cause instanceof NoPublicAddress) return 'no_public_address';
  const { name, code } = failure.parse(cause);
  if (name === 'TimeoutError' || name === 'AbortError') return 'timed_out';
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return 'timed_out';
  if (/^ERR_(TLS|SSL)|CERT|^UNABLE_TO/.test(code)) return 'tls_failed';
  if (name === 'HTTPParserError' || code === 'UND_ERR_HEADERS_OVERFLOW') return 'invalid_answer';
  return 'connection_failed';
}
