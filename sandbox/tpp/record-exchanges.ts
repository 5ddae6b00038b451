import { type Dispatcher, request } from 'undici';
import type { Exchange } from '../../consent-ui/components/exchange-view.js';
import { nameExchange } from './name-exchange.js';
import { openTokens } from './open-tokens.js';

/** A `fetch` for openid-client that keeps what it sent and got. */
export interface Recorder {
  readonly exchanges: readonly Exchange[];
  fetch(url: string, options: RecordedRequest): Promise<Response>;
}

interface RecordedRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

const timeoutMilliseconds = 30_000;

/**
 * Records every exchange of one step, whole: keys, secrets and tokens are shown on the pages on
 * purpose, since all of them are the sandbox's. No application with real ones may do this.
 */
export function createRecorder(dispatcher: Dispatcher): Recorder {
  const exchanges: Exchange[] = [];

  return {
    exchanges,
    async fetch(address, { method, headers, body }) {
      const text = body === undefined || body === null ? undefined : String(body);
      const answer = await request(address, {
        dispatcher,
        method,
        headers,
        body: text ?? null,
        signal: AbortSignal.timeout(timeoutMilliseconds),
      });
      const bytes = await answer.body.arrayBuffer();
      const received = toHeaders(answer.headers);
      const content = readContent(Buffer.from(bytes).toString('utf8'));
      const form = new URLSearchParams(text);
      const members = { ...headers, ...Object.fromEntries(form), ...asMembers(content) };
      exchanges.push({
        ...nameExchange({ method, url: new URL(address), form }),
        request: { method, url: address, headers, body: text && readContent(text) },
        response: {
          status: answer.statusCode,
          headers: Object.fromEntries(received),
          body: content,
        },
        decoded: openTokens(members),
      });
      const hasBody = bytes.byteLength > 0;
      return new Response(hasBody ? bytes : null, { status: answer.statusCode, headers: received });
    },
  };
}

function toHeaders(raw: Record<string, string | string[] | undefined>): Headers {
  return new Headers(
    Object.entries(raw).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, String(value)] as [string, string]],
    ),
  );
}

/** JSON as its value, everything else as text. */
function readContent(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function asMembers(content: unknown): Record<string, unknown> {
  return typeof content === 'object' && content !== null ? { ...content } : {};
}
