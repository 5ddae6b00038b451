import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openInitialAccessTokens } from '../../../composition/registration-routes.js';
import type { ConfigurationInput } from '../../../config/schema.js';
import { clientChanges } from '../../../core/client-change.js';
import { clients } from '../../../core/clients.js';
import { systemClock } from '../../../core/clock.js';
import { registrationPolicySchema } from '../../../core/registration/registration-policy.js';
import { openCertificateAuthority } from '../../../sandbox/certificate-authority.js';
import { createClientKeys } from '../../support/client-keys.js';
import { startAssent } from '../../support/start-assent.js';
import { startTarget } from '../../support/start-target.js';

export const directoryIssuer = 'https://directory.example';
export const redirectUri = 'https://budget.example/callback';
export const epoch = () => Math.floor(Date.now() / 1000);

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // What a test looks into; each asserts the members that it reads.
  // biome-ignore lint/suspicious/noExplicitAny: answers are read by assertions, member by member
  readonly body: any;
}

type Settings = Omit<Parameters<typeof startAssent>[0], 'registration'> & {
  readonly registration?: ConfigurationInput['registration'];
};

/**
 * A real Assent that lets clients register, a directory with its keys, and a server where both publish
 * what is fetched of them.
 */
export async function startRegistration(
  settings: Settings = {},
  directory: Partial<
    NonNullable<NonNullable<ConfigurationInput['registration']>['directories']>[number]
  > = {},
  options: Parameters<typeof startAssent>[1] = {},
) {
  const folder = await mkdtemp(join(tmpdir(), 'assent-registration-'));
  const authority = await openCertificateAuthority(folder, systemClock);
  const published = new Map<string, (response: ServerResponse) => void>();
  const target = await startTarget(await authority.server('target'), (response, { url = '' }) => {
    const answer = published.get(url);
    if (answer) answer(response);
    else response.writeHead(404).end();
  });
  const directoryKeys = await createClientKeys('PS256');
  const at = (path: string) => `https://localhost:${target.port}${path}`;
  const publish = (path: string, body: object | Buffer) => {
    published.set(path, (response) =>
      response.end(Buffer.isBuffer(body) ? body : JSON.stringify(body)),
    );
    return at(path);
  };
  const jwksUri = publish('/directory/jwks', directoryKeys.jwks);
  const assent = await startAssent(
    {
      features: { registration: true },
      outgoing: {
        allow: [`localhost:${target.port}`],
        certificateAuthorities: [authority.certificate],
      },
      ...settings,
      registration: {
        directories: [{ name: 'open-banking', issuer: directoryIssuer, jwksUri, ...directory }],
        ...settings.registration,
      },
    },
    options,
  );
  const tokens = openInitialAccessTokens({ ...assent, clock: systemClock });

  async function call(
    method: 'POST' | 'GET' | 'PUT' | 'DELETE' | 'PATCH',
    path: string,
    options: {
      readonly body?: object | string | undefined;
      readonly token?: string | undefined;
      readonly type?: string;
      readonly fetch?: typeof assent.fetch;
    } = {},
  ): Promise<Answer> {
    const { body, token, type = 'application/json', fetch = assent.fetch } = options;
    const response = await fetch(path, {
      method,
      headers: {
        ...(body !== undefined && { 'content-type': type }),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const headers = response.headers as unknown as Headers;
    return { status: response.status, headers, body: text === '' ? undefined : JSON.parse(text) };
  }

  return {
    ...assent,
    ...{ target, published, publish, at, directoryKeys, tokens, call },
    register: (body: object | string, options: Omit<Parameters<typeof call>[2], 'body'> = {}) =>
      call('POST', '/oidc/reg', { ...options, body }),

    /** An initial access token as an operator makes it. */
    async token(policy: object = {}, uses = 1000, lifetime = 3600): Promise<string> {
      const made = await tokens.create({
        ...{ note: 'test', uses, lifetime, by: { kind: 'command', id: 'tester' } as const },
        policy: registrationPolicySchema.parse(policy),
      });
      return made.token;
    },

    /** A software statement as the directory signs it. */
    statement: (claims: object = {}) => {
      const said = {
        iss: directoryIssuer,
        iat: epoch(),
        jti: randomUUID(),
        software_id: 'software-1',
        software_client_name: 'Budget app',
        software_redirect_uris: [redirectUri, 'https://budget.example/other'],
        software_roles: ['AISP'],
        org_id: 'org-1',
        org_name: 'Budget Ltd',
        ...claims,
      };
      return directoryKeys.sign(said);
    },

    async history(clientId: string) {
      const query = { index: 'client', equals: clientId, limit: 50 };
      const { records } = await assent.storage.find(clientChanges, query);
      return records.map(({ value }) => value);
    },
    stored: async (clientId: string) => (await assent.storage.get(clients, clientId))?.value,
    async count() {
      const { records } = await assent.storage.find(clients, {
        index: 'id',
        from: '',
        limit: 1000,
      });
      return records.length;
    },

    async stop() {
      await assent.stop();
      await target.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export type Registration = Awaited<ReturnType<typeof startRegistration>>;
