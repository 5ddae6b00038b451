import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createAdministration } from '../../../composition/administration.js';
import { nothingHeld } from '../../../core/client-holdings.js';
import type { Author, OperatorScope } from '../../../core/clients.js';
import { createOperator } from '../../../core/operators.js';
import type { Storage } from '../../../core/storage.js';
import { createClientRules } from '../../../provider/client-rules.js';
import { createDescriptionCheck } from '../../api/support/start-api.js';
import { type RunningAssent, startAssent } from '../../support/start-assent.js';

type Settings = Parameters<typeof startAssent>[0];
type Options = Parameters<typeof startAssent>[1];
type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

export interface Answer {
  readonly status: number;
  readonly etag: string;
  // What a test looks into; each asserts the members that it reads.
  // biome-ignore lint/suspicious/noExplicitAny: answers are read by assertions, member by member
  readonly body: any;
}

export const command: Author = { kind: 'command', id: 'tester' };

/** Makes an operator as the command does, and gives what calls the Admin API with its certificate. */
export async function createTestOperator(
  assent: RunningAssent,
  clientId: string,
  scopes: readonly OperatorScope[] = ['clients:read', 'clients:write'],
) {
  const files = await assent.authority.client(clientId);
  const certificate = new X509Certificate(await readFile(files.certificate));
  const { lifetimes } = assent.configuration;
  await createOperator(
    {
      storage: assent.storage,
      clock: assent.clock,
      rules: createClientRules(assent.provider, lifetimes),
    },
    { clientId, name: clientId, scopes, credential: { certificate } },
    command,
  );
  const fetch = assent.fetcher(files);
  const token = await getToken(assent, fetch, clientId, scopes.join(' '));
  return { call: await createCaller(assent, fetch, token), token, fetch, files };
}

/** What calls the Admin API at the mTLS listener. */
export async function createCaller(
  assent: Pick<RunningAssent, 'configuration'>,
  fetch: RunningAssent['fetch'],
  token: string,
) {
  const description = await fetch(`${assent.configuration.mtlsUrl}/admin/v1/openapi.json`);
  const assertDescribed = createDescriptionCheck(
    // The document is what the check is made of; it checks it itself.
    (await description.json()) as Parameters<typeof createDescriptionCheck>[0],
  );
  return async function call(
    method: Method,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    const response = await fetch(`${assent.configuration.mtlsUrl}/admin/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const json: unknown = text === '' ? {} : JSON.parse(text);
    const { status } = response;
    // Every answer that a test gets is one that OpenAPI describes.
    if (status !== 404 || path.startsWith('/clients/')) {
      assertDescribed(method.toLowerCase(), `/admin/v1${path}`, { status, body: json });
    }
    return { status, etag: response.headers.get('etag') ?? '', body: json };
  };
}

/** A token of an operator that shows its certificate. */
export async function getToken(
  assent: RunningAssent,
  fetch: RunningAssent['fetch'],
  clientId: string,
  scope: string,
): Promise<string> {
  const response = await fetch(`${assent.configuration.mtlsUrl}/oidc/token`, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'client_credentials', client_id: clientId, scope }),
  });
  const answer = (await response.json()) as Record<string, unknown>;
  if (typeof answer.access_token !== 'string') throw new Error(JSON.stringify(answer));
  return answer.access_token;
}

/** A real Assent with an operator. */
export async function startAdmin(settings: Settings = {}, options?: Options) {
  const assent = await startAssent(settings, options);
  const operator = await createTestOperator(assent, 'operator');
  const administer = (storage: Storage) =>
    createAdministration({
      storage,
      clock: assent.clock,
      rules: createClientRules(assent.provider, assent.configuration.lifetimes),
      holdings: { list: async () => ({ grants: nothingHeld, connections: nothingHeld }) },
    });
  const administration = administer(assent.storage);
  return { ...assent, ...operator, administration, administer, fetchAnonymously: assent.fetch };
}
