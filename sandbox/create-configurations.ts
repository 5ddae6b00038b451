import { join } from 'node:path';
import { type Configuration, configurationSchema } from '../config/schema.js';
import type { ClientMetadata } from '../core/clients.js';
import { systemClock } from '../core/clock.js';
import {
  type CertificateAuthority,
  type CertificateFiles,
  subjectOf,
} from './certificate-authority.js';
import { openClientKeys, publicJwk } from './client-keys.js';
import { openSandboxDirectory } from './directory.js';
import { writeLogos } from './logos.js';
import type { SandboxPorts, SandboxUrls } from './ports.js';
import { registerCibaClient } from './register-ciba-client.js';
import { type BankAccess, sandboxInstitutions } from './sandbox-institutions.js';
import { writePrivateFile } from './write-private-file.js';

export interface ConfigurationDeps {
  /** Absolute. */
  readonly directory: string;
  readonly authority: CertificateAuthority;
  readonly server: CertificateFiles;
  readonly ports: SandboxPorts;
  readonly urls: SandboxUrls;
  readonly clients: readonly ClientMetadata[];
  /** Addresses on this machine or elsewhere that clients are told of events at. */
  readonly webhooks: readonly URL[];
  readonly log: Configuration['log'];
}

/** Assent as the bank and Assent as the identity service, each knowing the other. */
export async function createConfigurations(
  deps: ConfigurationDeps,
): Promise<{ readonly bank: Configuration; readonly assent: Configuration }> {
  const { directory, authority, server, ports, urls, clients, webhooks, log } = deps;
  const common = {
    log,
    tls: { ...server, clientCertificateAuthorities: [authority.certificate] },
  };
  const storage = (name: string) => ({
    url: `sqlite:${join(directory, `${name}.db`)}`,
    masterKey: { file: join(directory, `${name}.master.key`) },
  });
  const logos = join(directory, 'logos');
  await writeLogos(
    logos,
    clients.map((client) => client.client_id),
  );
  const { access, registrations } = await registerAtBank(deps);
  const { issuer, jwks } = await openSandboxDirectory(directory, systemClock);
  return {
    bank: configurationSchema.parse({
      ...common,
      role: 'bank',
      publicUrl: urls.bank,
      mtlsUrl: urls.bankMtls,
      listen: { browser: { port: ports.bank }, mtls: { port: ports.bankMtls } },
      storage: storage('bank'),
      // As at real banks, what was authorised without an end lasts until it is revoked.
      lifetimes: { openEndedIntent: 0 },
      features: { registration: true },
      registration: {
        directories: [
          {
            ...{ name: 'sandbox', issuer, jwks },
            // Its time can be moved, and the command that issues statements does not know how far.
            statementAge: 10 * 365 * 86_400,
            scopesByRole: { AISP: ['accounts'] },
            policy: { profiles: ['fapi2-security', 'fapi2-message-signing', 'fapi1-advanced'] },
          },
        ],
      },
      clients: [...registrations, await registerCibaClient(deps)],
    }),
    assent: configurationSchema.parse({
      ...common,
      role: 'identity-service',
      publicUrl: urls.assent,
      mtlsUrl: urls.assentMtls,
      listen: { browser: { port: ports.assent }, mtls: { port: ports.assentMtls } },
      storage: storage('assent'),
      outgoing: {
        allow: [new URL(urls.tpp), ...webhooks].map(({ host }) => host),
        certificateAuthorities: [authority.certificate],
      },
      institutions: sandboxInstitutions(urls, access),
      logos,
      clients: [...clients],
    }),
  };
}

/** Assent as a client of the bank, with the certificate and keys it shows there. */
async function registerAtBank({ directory, authority, urls }: ConfigurationDeps): Promise<{
  readonly access: BankAccess;
  readonly registrations: readonly ClientMetadata[];
}> {
  const { jwk } = await openClientKeys(join(directory, 'keys', 'assent-at-bank.json'), 'PS256');
  const signingKey = join(directory, 'keys', 'assent-at-bank.jwk');
  await writePrivateFile(signingKey, JSON.stringify(jwk));
  const registration = {
    client_name: 'Assent',
    profile: 'fapi2-security',
    redirect_uris: [`${urls.assent}/bank/callback`],
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    response_types: ['code'],
    scope: 'openid offline_access accounts',
    id_token_signed_response_alg: 'PS256',
    tls_client_certificate_bound_access_tokens: true,
  } as const;
  const certificateName = 'assent-at-bank';
  const access: BankAccess = {
    certificateClient: 'assent',
    assertionClient: 'assent-business',
    signingKey,
    client: await authority.client(certificateName),
    authority: authority.certificate,
  };
  return {
    access,
    registrations: [
      {
        ...registration,
        client_id: access.certificateClient,
        token_endpoint_auth_method: 'tls_client_auth',
        tls_client_auth_subject_dn: subjectOf(certificateName),
      },
      {
        ...registration,
        client_id: access.assertionClient,
        token_endpoint_auth_method: 'private_key_jwt',
        jwks: { keys: [publicJwk(jwk)] },
      },
    ],
  };
}
