import { fork } from 'node:child_process';
import { join } from 'node:path';
import { exportJWK } from 'jose';
import type { ClientKeys } from '../support/client-keys.js';
import type { RunningAssent } from '../support/start-assent.js';
import type { RunningSandbox } from './start-sandbox.js';

/** What the published client of the identity service throws, as far as it says why. */
export class MoneyhubError extends Error {
  readonly error: string | undefined;
  readonly status: number | undefined;

  constructor(fault: { message: string; error?: string; status?: number }) {
    super(fault.message);
    this.error = fault.error;
    this.status = fault.status;
  }
}

interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: { message: string; error?: string; status?: number };
}

export type MoneyhubClient = Awaited<ReturnType<typeof startMoneyhubClient>>;

/** What the published client has to know of its registration. */
interface Registration {
  readonly client_id: string;
  readonly client_secret?: string | undefined;
  readonly token_endpoint_auth_method: string;
  readonly redirect_uris: readonly string[];
  /** Its private keys. */
  readonly jwks: { readonly keys: readonly object[] };
}

/**
 * Starts the published client as one of the sandbox's clients.
 * @param changes to the `client` of its configuration.
 */
export function startClientOf(
  { tpp, client }: RunningSandbox,
  name: 'identity-service' | 'identity-service-own-consent',
  changes: object = {},
) {
  const publicUrl = tpp.issuer.replace('/oidc', '');
  return startMoneyhubClient(tpp.ca, configure(publicUrl, client(name), changes));
}

/** As {@link startClientOf}, as a client of a server without a sandbox. */
export async function startClientAt(
  { authority, configuration }: Pick<RunningAssent, 'authority' | 'configuration'>,
  { keys, ...client }: Omit<Registration, 'jwks'> & { readonly keys: ClientKeys },
  changes: object = {},
) {
  const privateJwk = { ...(await exportJWK(keys.privateKey)), ...keys.publicJwk };
  const registration = { ...client, jwks: { keys: [privateJwk] } };
  return startMoneyhubClient(
    authority.certificate,
    configure(configuration.publicUrl, registration, changes),
  );
}

function configure(
  publicUrl: string,
  { client_id, client_secret, token_endpoint_auth_method, redirect_uris, jwks }: Registration,
  changes: object,
) {
  return {
    identityServiceUrl: publicUrl,
    resourceServerUrl: `${publicUrl}/v3`,
    client: {
      client_id,
      client_secret,
      token_endpoint_auth_method,
      id_token_signed_response_alg: 'PS256',
      request_object_signing_alg: 'PS256',
      redirect_uri: redirect_uris[0],
      response_type: 'code',
      keys: jwks.keys,
      ...changes,
    },
  };
}

/** Starts `@mft/moneyhub-api-client`, unchanged, against a server whose authority is at `ca`. */
async function startMoneyhubClient(ca: string, configuration: object) {
  const child = fork(join(import.meta.dirname, 'moneyhub-process.mjs'), {
    env: { ...process.env, NODE_EXTRA_CA_CERTS: ca, NODE_OPTIONS: '' },
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  let last = 0;

  child.on('message', ({ id, value, error }: Answer) => {
    const answer = waiting.get(id);
    waiting.delete(id);
    if (error) answer?.reject(new MoneyhubError(error));
    else answer?.resolve(value);
  });
  child.on('exit', (code) => {
    for (const answer of waiting.values()) answer.reject(new Error(`client ended with ${code}`));
  });

  /** Calls one method of the client and returns what it answers. */
  async function call<Result>(method: string, ...args: readonly unknown[]): Promise<Result> {
    last += 1;
    const answer = Promise.withResolvers<unknown>();
    waiting.set(last, answer);
    child.send({ id: last, method, args });
    return (await answer.promise) as Result;
  }

  await call('configure', configuration);
  return { call, stop: () => child.kill() };
}
