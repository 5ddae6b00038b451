import { readFile } from 'node:fs/promises';
import { importJWK, type JWK } from 'jose';
import {
  type ClientAuth,
  ClientSecretBasic,
  Configuration,
  type CryptoKeyPair,
  customFetch,
  discovery,
  enableNonRepudiationChecks,
  getDPoPHandle,
  PrivateKeyJwt,
  randomDPoPKeyPair,
  type ServerMetadata,
} from 'openid-client';
import { Agent } from 'undici';
import type { SandboxClientName, TppClient, TppDocument } from '../tpp-document.js';
import type { DPoPOption } from './journey.js';
import { createRecorder, type Recorder } from './record-exchanges.js';

/** One of the sandbox's clients, ready to act. */
export interface OAuthClient {
  readonly name: SandboxClientName;
  readonly redirectUri: string;
  /** Signs request objects; FAPI clients push theirs unsigned (FAPI 2.0 SP §5.3.2.2). */
  readonly requestKey: { readonly key: CryptoKey; readonly kid: string } | undefined;
  /** Begins a step: its own record of the wire, with the provider as it was discovered before. */
  begin(server?: ServerMetadata): Promise<Step>;
  close(): Promise<void>;
}

/** What one step of a journey acts with. */
export interface Step extends Pick<Recorder, 'exchanges'> {
  readonly configuration: Configuration;
  readonly dpop: DPoPOption;
}

/** Reads the client's certificate, keys and secret from what `tpp.json` says. */
export async function createOAuthClient(
  name: SandboxClientName,
  { clients, ca, issuer }: TppDocument,
): Promise<OAuthClient> {
  const client = clients[name];
  const [authority, certificate, key] = await Promise.all(
    [ca, client.certificate, client.key].map((path) => readFile(path, 'utf8')),
  );
  const agent = new Agent({
    connect: { ca: authority ?? '', cert: certificate ?? '', key: key ?? '' },
  });
  const signingKey = await importSigningKey(client.jwks.keys[0] ?? {});
  const dpopKeys = name === 'fapi2-security-dpop' ? await randomDPoPKeyPair() : undefined;
  const isFapi = name.startsWith('fapi2');
  const metadata = {
    id_token_signed_response_alg: client.jwks.keys[0]?.alg ?? '',
    use_mtls_endpoint_aliases: name === 'fapi2-security',
  };
  const authentication = authenticate(client, signingKey);

  return {
    name,
    redirectUri: client.redirect_uris[0] ?? '',
    requestKey: isFapi ? undefined : signingKey,
    async begin(server) {
      const recorder = createRecorder(agent);
      const configuration = server
        ? new Configuration(server, client.client_id, metadata, authentication)
        : await discovery(new URL(issuer), client.client_id, metadata, authentication, {
            [customFetch]: recorder.fetch,
          });
      configuration[customFetch] = recorder.fetch;
      enableNonRepudiationChecks(configuration);
      return {
        configuration,
        exchanges: recorder.exchanges,
        dpop: dpopOption(configuration, dpopKeys),
      };
    },
    close: () => agent.close(),
  };
}

function dpopOption(configuration: Configuration, keys: CryptoKeyPair | undefined): DPoPOption {
  return keys && { DPoP: getDPoPHandle(configuration, keys) };
}

async function importSigningKey(jwk: JWK) {
  const key = await importJWK(jwk, jwk.alg);
  if (key instanceof Uint8Array || jwk.kid === undefined) {
    throw new TypeError('a client key must be a private JWK with kid');
  }
  return { key, kid: jwk.kid };
}

function authenticate(
  client: TppClient,
  signingKey: { readonly key: CryptoKey; readonly kid: string },
): ClientAuth {
  return client.token_endpoint_auth_method === 'private_key_jwt'
    ? PrivateKeyJwt(signingKey)
    : ClientSecretBasic(client.client_secret);
}
