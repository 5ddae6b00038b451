import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { importJWK, type JWK, SignJWT } from 'jose';
import type { Clock } from '../core/clock.js';
import { openClientKeys, publicJwk } from './client-keys.js';

/** What the sandbox's directory vouches for. */
export interface VouchedSoftware {
  readonly name: string;
  readonly redirectUris: readonly string[];
}

/** A directory as open banking has them, for the sandbox alone: it vouches for whoever asks. */
export interface SandboxDirectory {
  readonly issuer: string;
  readonly jwks: { readonly keys: readonly JWK[] };
  /** A software statement of UK Open Banking's shape, for software that is new. */
  issue(software: VouchedSoftware): Promise<string>;
}

/**
 * Opens the directory of a sandbox; its key is made on the first start.
 * @param directory where the sandbox keeps its data.
 */
export async function openSandboxDirectory(
  directory: string,
  clock: Clock,
): Promise<SandboxDirectory> {
  const { jwk } = await openClientKeys(join(directory, 'keys', 'directory.json'), 'PS256');
  const issuer = 'Assent Sandbox Directory';
  return {
    issuer,
    jwks: { keys: [publicJwk(jwk)] },
    async issue({ name, redirectUris }) {
      return new SignJWT({
        software_id: randomUUID(),
        software_client_name: name,
        software_redirect_uris: redirectUris,
        software_roles: ['AISP'],
        org_id: 'sandbox-organisation',
        org_name: 'Sandbox Organisation',
        org_status: 'Active',
      })
        .setProtectedHeader({ alg: jwk.alg, kid: jwk.kid, typ: 'JWT' })
        .setIssuer(issuer)
        .setIssuedAt(Math.floor(clock.now() / 1000))
        .setJti(randomUUID())
        .sign(await importJWK(jwk, jwk.alg));
    },
  };
}
