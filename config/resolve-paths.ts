import { resolve } from 'node:path';
import type { ConnectorConfiguration, ValidSettings } from './schema.js';

/** The configuration with every path absolute; relative ones start at `directory`. */
export function resolvePaths(configuration: ValidSettings, directory: string): ValidSettings {
  const { tls, storage, signing, outgoing, institutions, logos } = configuration;
  const absolute = (path: string) => resolve(directory, path);
  return {
    ...configuration,
    ...(logos !== undefined && { logos: absolute(logos) }),
    ...(tls && {
      tls: {
        certificate: absolute(tls.certificate),
        key: absolute(tls.key),
        clientCertificateAuthorities: tls.clientCertificateAuthorities.map(absolute),
        clientCertificateRevocationLists: tls.clientCertificateRevocationLists.map(absolute),
      },
    }),
    ...(storage && {
      storage: {
        url: storage.url.replace(/^sqlite:(.*)$/, (_, path: string) => `sqlite:${absolute(path)}`),
        masterKey:
          'file' in storage.masterKey
            ? { file: absolute(storage.masterKey.file) }
            : storage.masterKey,
      },
    }),
    ...(signing?.external && {
      signing: {
        ...signing,
        external: { ...signing.external, module: absolute(signing.external.module) },
      },
    }),
    ...(outgoing && {
      outgoing: {
        ...outgoing,
        certificateAuthorities: outgoing.certificateAuthorities.map(absolute),
      },
    }),
    ...(institutions && {
      institutions: institutions.map((institution) => ({
        ...institution,
        connector: resolveConnector(institution.connector, absolute),
      })),
    }),
  };
}

function resolveConnector(
  connector: ConnectorConfiguration,
  absolute: (path: string) => string,
): ConnectorConfiguration {
  const { certificateAuthority } = connector;
  const trusted =
    certificateAuthority === undefined
      ? {}
      : { certificateAuthority: absolute(certificateAuthority) };
  if (connector.type === 'simulated-legacy') return { ...connector, ...trusted };
  const { certificate, key, signingKey } = connector;
  return {
    ...connector,
    ...trusted,
    certificate: absolute(certificate),
    key: absolute(key),
    ...(signingKey !== undefined && { signingKey: absolute(signingKey) }),
  };
}
