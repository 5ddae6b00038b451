import Router from '@koa/router';
import { z } from 'zod';
import { clients } from '../../core/clients.js';
import type { Institution, InstitutionDirectory } from '../../core/institution.js';
import { isScopeAllowed } from '../../core/scopes.js';
import type { Storage } from '../../core/storage.js';
import { noBody, noParameters, type OperationDescription } from '../operation.js';
import { describeInstitution, wellKnownConnectionSchema } from './institution-schema.js';

interface WellKnownListsDeps {
  readonly directory: Pick<InstitutionDirectory, 'all'>;
  readonly storage: Pick<Storage, 'get'>;
  /** `https://host[:port]` */
  readonly publicUrl: string;
}

/** Which institutions each list names. */
const lists: Readonly<Record<string, (institution: Institution) => boolean>> = {
  all: () => true,
  api: ({ kind }) => kind === 'api',
  test: ({ kind }) => kind === 'test',
  legacy: ({ kind }) => kind === 'legacy',
  // Payments are not offered here; the list exists because the published client asks for it.
  payments: () => false,
  beta: ({ isBeta }) => isBeta,
};

const pathOf = (kind: string) => `/oidc/.well-known/${kind}-connections`;

/** The lists as OpenAPI describes them; they need no token. */
export const wellKnownListDescriptions: readonly OperationDescription[] = Object.keys(lists).map(
  (kind) => ({
    id: `${kind}Connections`,
    method: 'get',
    path: pathOf(kind),
    summary: `The banks that can be connected: ${kind}`,
    scopes: [],
    params: noParameters,
    query: z.object({ clientId: z.string().optional() }),
    body: noBody,
    status: 200,
    answer: z.array(wellKnownConnectionSchema),
    errors: [],
  }),
);

/**
 * The public lists `/oidc/.well-known/<kind>-connections`: bare arrays (identity-service.md §1.8).
 * `clientId` narrows them to the banks that client may use; any other query is ignored, because the
 * published client sends `?undefined`.
 */
export function createWellKnownLists(deps: WellKnownListsDeps): Router {
  const { directory, storage, publicUrl } = deps;

  async function permitted(clientId: string | undefined): Promise<readonly Institution[]> {
    if (!clientId) return directory.all;
    const client = await storage.get(clients, clientId);
    if (!client) return [];
    const { scope } = client.value;
    // Every client may use the test banks (§1.8).
    return directory.all.filter(
      ({ id, kind }) => kind === 'test' || isScopeAllowed(`id:${id}`, scope),
    );
  }

  const router = new Router();
  for (const [kind, belongs] of Object.entries(lists)) {
    router.get(pathOf(kind), async (ctx) => {
      const clientId = new URLSearchParams(ctx.querystring).get('clientId') ?? undefined;
      const listed = await permitted(clientId);
      ctx.body = listed.filter(belongs).map((each) => describeInstitution(each, publicUrl));
    });
  }
  return router;
}
