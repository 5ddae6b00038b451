import { once } from 'node:events';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose';
import { z } from 'zod';
import { type Configuration, configurationSchema } from '../config/schema.js';
import type { Clock } from '../core/clock.js';
import { openCertificateAuthority } from '../sandbox/certificate-authority.js';

/** The client that all load comes from; others of it differ by their id. */
export const benchClientId = 'bench';
export const redirectUri = 'https://tpp.example/callback';
/** What a person would be asked for, and what a client asks for itself. */
export const visitScope = 'openid offline_access id:all accounts:read';
export const clientScope = 'user:read';

const material = z.object({
  /** The client's private key, JWK. */
  clientKey: z.record(z.string(), z.unknown()),
  /** Where the bare library listens. */
  barePort: z.number(),
  certificateAuthority: z.string(),
  clientCertificate: z.object({ certificate: z.string(), key: z.string() }),
});

/** What client and servers share: keys and certificates, the latter as paths of PEM files. */
export type Material = Omit<z.infer<typeof material>, 'clientKey'> & { readonly clientKey: JWK };

/**
 * Makes a directory in which one server can run: certificates, the client's key, and a configuration
 * of Assent with one FAPI client (`private_key_jwt` with ES256, certificate-bound tokens) and all else
 * at its default.
 */
export async function createWorkspace(clock: Clock): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'assent-bench-'));
  const authority = await openCertificateAuthority(directory, clock);
  const server = await authority.server('server');
  const clientCertificate = await authority.client('client');
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = await exportJWK(privateKey);
  const clientKey = { ...jwk, kid: await calculateJwkThumbprint(jwk), alg: 'ES256', use: 'sig' };
  const [browserPort = 0, mtlsPort = 0, barePort = 0] = await findPorts(3);
  const configuration = configurationSchema.parse({
    publicUrl: `https://localhost:${browserPort}`,
    mtlsUrl: `https://localhost:${mtlsPort}`,
    listen: { browser: { port: browserPort }, mtls: { port: mtlsPort } },
    tls: { ...server, clientCertificateAuthorities: [authority.certificate] },
    storage: {
      url: `sqlite:${join(directory, 'assent.db')}`,
      masterKey: { file: join(directory, 'master.key') },
    },
    clients: [describeClient(clientKey)],
  });
  await writeJson(directory, 'configuration.json', configuration);
  await writeJson(directory, 'material.json', {
    clientKey,
    barePort,
    clientCertificate,
    certificateAuthority: authority.certificate,
  });
  return directory;
}

/** Path of the configuration, as `serve` takes it. */
export function configurationFile(workspace: string): string {
  return join(workspace, 'configuration.json');
}

export async function readConfiguration(workspace: string): Promise<Configuration> {
  return configurationSchema.parse(await readJson(workspace, 'configuration.json'));
}

export async function readMaterial(workspace: string): Promise<Material> {
  return material.parse(await readJson(workspace, 'material.json'));
}

function describeClient({ d: _private, ...publicKey }: JWK) {
  return {
    client_id: benchClientId,
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: 'ES256',
    jwks: { keys: [publicKey] },
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    response_types: ['code'],
    redirect_uris: [redirectUri],
    tls_client_certificate_bound_access_tokens: true,
  };
}

/** Ports that are free now; all are held until all are known. */
async function findPorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => {
    const address = server.address();
    return typeof address === 'object' && address ? address.port : 0;
  });
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}

async function writeJson(directory: string, name: string, value: unknown): Promise<void> {
  await writeFile(join(directory, name), JSON.stringify(value), { mode: 0o600 });
}

async function readJson(directory: string, name: string): Promise<unknown> {
  return JSON.parse(await readFile(join(directory, name), 'utf8'));
}
