import { fetchProtectedResource } from 'openid-client';
import { z } from 'zod';
import type { Step } from './oauth-client.js';
import { ApiFailure } from './step-failure.js';

interface ApiCall<Document> {
  readonly accessToken: string;
  readonly method?: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly url: URL;
  readonly body?: unknown;
  readonly document: z.ZodType<Document>;
}

const errorDocument = z.object({ code: z.string(), message: z.string() });

/**
 * Calls the API with a token, and with the proof that the token is bound to.
 * @throws {ApiFailure} with the API's code where it refuses.
 */
export async function callApi<Document>(
  { configuration, dpop }: Step,
  { accessToken, method = 'GET', url, body, document }: ApiCall<Document>,
): Promise<Document> {
  const response = await fetchProtectedResource(
    configuration,
    accessToken,
    url,
    method,
    body === undefined ? undefined : JSON.stringify(body),
    new Headers({
      accept: 'application/json',
      ...(body !== undefined && { 'content-type': 'application/json' }),
    }),
    dpop,
  );
  const text = await response.text();
  const content: unknown = text === '' ? undefined : JSON.parse(text);
  if (!response.ok) {
    const { data } = errorDocument.safeParse(content);
    const status = `HTTP status ${response.status}`;
    throw new ApiFailure(data?.code ?? status, data?.message ?? status);
  }
  return document.parse(content);
}
