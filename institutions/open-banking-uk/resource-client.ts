import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { InstitutionError, type PresentCustomer } from '../../core/institution.js';
import { invalidAnswer } from '../institution-errors.js';
import { type Authorization, authorizationLost } from './authorization.js';
import type { BankFetch } from './bank-fetch.js';
import { readAnswer } from './read-answer.js';
import type { Tokens } from './tokens.js';

/** Reading the v3.1 account information API on one person's behalf. */
export interface ResourceClient {
  /** The tokens as they are now: a refresh in the middle of reading changes them. */
  readonly authorization: Authorization;
  /**
   * The pages of a resource, following `Links.Next`.
   * @param resource path below the resource base, with its query.
   * @param data the shape of a page's `Data`.
   */
  pages<Data>(resource: string, data: z.ZodType<Data>): AsyncGenerator<Data>;
  /** All {@link pages} of a small resource. */
  all<Data>(resource: string, data: z.ZodType<Data>): Promise<readonly Data[]>;
}

interface ResourceClientDeps {
  readonly bankName: string;
  readonly resourceUrl: string;
  readonly bankFetch: BankFetch;
  readonly tokens: Tokens;
  /** The person for whom it is read right now. */
  readonly customer?: PresentCustomer | undefined;
}

// Ten years of a busy account in the smallest pages that banks use; above it, a bank is going round.
const maxPages = 2000;
// Held in memory all at once.
const maxPagesOfAll = 20;

export function createResourceClient(
  deps: ResourceClientDeps,
  opened: Authorization,
): ResourceClient {
  const { bankName, resourceUrl, bankFetch, tokens, customer } = deps;
  const { origin } = new URL(resourceUrl);
  let authorization = opened;

  function request(url: URL): Promise<Response> {
    return bankFetch(url.href, {
      headers: {
        authorization: `Bearer ${authorization.accessToken}`,
        'x-fapi-interaction-id': randomUUID(),
        ...describeCustomer(customer),
      },
    });
  }

  async function read(url: URL): Promise<Response> {
    const used = authorization;
    let response = await request(url);
    if (response.status === 401 && used.refreshToken !== undefined) {
      // Another reader of this session may have refreshed meanwhile.
      if (authorization === used) authorization = await tokens.refresh(used);
      response = await request(url);
    }
    const cause = new Error(`${url.pathname}: HTTP status ${response.status}`);
    if (response.status === 401) throw authorizationLost(bankName, cause);
    if (response.status >= 400) {
      throw new InstitutionError('refused', `${bankName} refused the request.`, { cause });
    }
    return response;
  }

  /** The access token must never be sent to another origin than the bank's own. */
  function resolveNext(link: string, current: URL): URL {
    const next = URL.parse(link, current);
    if (next?.origin === origin) return next;
    throw invalidAnswer(bankName, new Error('Links.Next leads to another origin'));
  }

  async function* pages<Data>(
    resource: string,
    data: z.ZodType<Data>,
    limit: number,
  ): AsyncGenerator<Data> {
    const page = z.object({
      Data: data,
      Links: z.object({ Next: z.string().optional() }).optional(),
    });
    let url: URL | undefined = new URL(`${resourceUrl}/${resource}`);
    for (let count = 0; url; count += 1) {
      if (count === limit) throw invalidAnswer(bankName, new Error('pages without end'));
      const { Data, Links }: z.output<typeof page> = await readAnswer(
        bankName,
        await read(url),
        page,
      );
      yield Data;
      url = Links?.Next === undefined ? undefined : resolveNext(Links.Next, url);
    }
  }

  return {
    get authorization() {
      return authorization;
    },
    pages: (resource, data) => pages(resource, data, maxPages),
    async all(resource, data) {
      const found = [];
      for await (const page of pages(resource, data, maxPagesOfAll)) found.push(page);
      return found;
    },
  };
}

/** What tells a bank that the person is there (Read/Write v3.1, request headers). */
function describeCustomer(customer: PresentCustomer | undefined): Record<string, string> {
  if (!customer) return {};
  const { ipAddress, lastLoggedIn } = customer;
  return {
    'x-fapi-customer-ip-address': ipAddress,
    ...(lastLoggedIn && { 'x-fapi-auth-date': lastLoggedIn.toUTCString() }),
  };
}
