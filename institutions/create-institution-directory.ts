import { readFile } from 'node:fs/promises';
import { importJWK } from 'jose';
import type {
  Configuration,
  ConnectorConfiguration,
  InstitutionConfiguration,
} from '../config/schema.js';
import { needsSigningKey, signingKeySchema } from '../config/signing-key.js';
import type { Clock } from '../core/clock.js';
import {
  type Institution,
  type InstitutionConnector,
  type InstitutionDirectory,
  InstitutionError,
} from '../core/institution.js';
import type { SigningKey } from './open-banking-uk/bank-configuration.js';
import { createOpenBankingUkConnector } from './open-banking-uk/create-open-banking-uk-connector.js';
import { createSimulatedLegacyConnector } from './simulated-legacy/create-simulated-legacy-connector.js';

interface DirectoryDeps {
  readonly institutions: Configuration['institutions'];
  readonly clock: Clock;
}

/**
 * The institutions of the configuration with their connectors. Reads their certificates and keys,
 * once; the banks themselves are not called before a person needs them.
 * @throws TypeError where a signing key is missing or is not a private JWK; the system's error for a
 * file that cannot be read.
 */
export async function createInstitutionDirectory(
  deps: DirectoryDeps,
): Promise<InstitutionDirectory> {
  const entries = await Promise.all(
    deps.institutions.map(
      async (configured) =>
        [
          configured.id,
          { institution: describe(configured), connector: await connect(configured, deps.clock) },
        ] as const,
    ),
  );
  const directory = new Map(entries);
  return {
    all: entries.map(([, { institution }]) => institution),
    find: (id) => directory.get(id)?.institution,
    connector(id) {
      const entry = directory.get(id);
      if (!entry) throw new InstitutionError('unavailable', 'This bank is no longer offered here.');
      return entry.connector;
    },
  };
}

function describe({ connector: _, ...institution }: InstitutionConfiguration): Institution {
  return { ...institution, bankRef: institution.bankRef ?? institution.id };
}

async function connect(
  { name, connector }: InstitutionConfiguration,
  clock: Clock,
): Promise<InstitutionConnector> {
  if (connector.type === 'open-banking-uk') return connectByApi(name, connector, clock);
  const { url, timeoutSeconds, certificateAuthority } = connector;
  return createSimulatedLegacyConnector({
    bankName: name,
    url: new URL(url).origin,
    timeoutSeconds,
    certificateAuthority:
      certificateAuthority === undefined ? undefined : await readFile(certificateAuthority, 'utf8'),
    clock,
  });
}

async function connectByApi(
  name: string,
  connector: Extract<ConnectorConfiguration, { type: 'open-banking-uk' }>,
  clock: Clock,
): Promise<InstitutionConnector> {
  const { certificate, key, certificateAuthority, signingKey, ...settings } = connector;
  if (needsSigningKey(connector) && signingKey === undefined) {
    throw new TypeError(`${name}: signed requests and private_key_jwt need a signingKey`);
  }
  const [certificatePem, keyPem, authorityPem, importedKey] = await Promise.all([
    readFile(certificate, 'utf8'),
    readFile(key, 'utf8'),
    certificateAuthority === undefined ? undefined : readFile(certificateAuthority, 'utf8'),
    signingKey === undefined ? undefined : readSigningKey(signingKey),
  ]);
  return createOpenBankingUkConnector({
    ...settings,
    bankName: name,
    resourceUrl: settings.resourceUrl.replace(/\/+$/, ''),
    certificate: certificatePem,
    key: keyPem,
    certificateAuthority: authorityPem,
    signingKey: importedKey,
    clock,
  });
}

async function readSigningKey(file: string): Promise<SigningKey> {
  const text = await readFile(file, 'utf8');
  try {
    const jwk = signingKeySchema.parse(JSON.parse(text));
    const key = await importJWK(jwk);
    if (key instanceof Uint8Array) throw new TypeError('a symmetric key');
    return { key, kid: jwk.kid };
  } catch {
    // The cause could quote the key.
    throw new TypeError(`${file} is not a private JWK with kid and alg`);
  }
}
