import { isIP } from 'node:net';
import { showValue } from './describe-issue.js';
import type { Configuration, ValidSettings } from './schema.js';
import { needsSigningKey } from './signing-key.js';

/**
 * The rules between settings, on those that are each valid.
 * @param inProduction `NODE_ENV=production`: what is only safe on a developer's machine is refused.
 * @returns one mistake for each rule broken.
 */
export function checkSettings(
  configuration: ValidSettings,
  inProduction: boolean,
): readonly string[] {
  return [
    ...checkAddresses(configuration),
    ...checkSigning(configuration),
    ...checkProfiles(configuration),
    ...checkEcosystems(configuration),
    ...checkInstitutions(configuration.institutions ?? []),
    ...checkResources(configuration),
    ...checkDirectories(configuration.registration?.directories ?? []),
    ...repeated((configuration.clients ?? []).map((client) => client.client_id)).map(
      ({ index, value }) => `clients.${index}.client_id: found ${showValue(value)} a second time`,
    ),
    ...(inProduction ? checkProduction(configuration) : []),
  ];
}

function checkAddresses({ publicUrl, mtlsUrl, listen }: ValidSettings): string[] {
  const mistakes: string[] = [];
  // A browser that meets the mTLS listener is asked for a certificate (architecture decision 2).
  if (publicUrl !== undefined && publicUrl === mtlsUrl) {
    mistakes.push(`mtlsUrl: found ${mtlsUrl}, which is publicUrl; expected an origin of its own`);
  }
  if (listen && listen.mtls.port !== 0 && listen.mtls.port === listen.browser.port) {
    mistakes.push(
      `listen.mtls.port: found ${listen.mtls.port}, which is listen.browser.port; expected a port of its own`,
    );
  }
  return mistakes;
}

function checkSigning({ signing }: ValidSettings): string[] {
  if (!signing || signing.rotateEvery === 0) return [];
  const { rotateEvery, publishBefore } = signing;
  return rotateEvery >= publishBefore
    ? []
    : [
        `signing.rotateEvery: found ${rotateEvery}, which is less than signing.publishBefore; expected at least ${publishBefore}, or 0`,
      ];
}

/** Each with its keys in one place, and none in the name of another. */
function checkDirectories(directories: Configuration['registration']['directories']): string[] {
  const place = 'registration.directories';
  return [
    ...directories.flatMap(({ jwks, jwksUri }, index) =>
      (jwks === undefined) === (jwksUri === undefined)
        ? [`${place}.${index}: expected either jwksUri or jwks`]
        : [],
    ),
    ...(['name', 'issuer'] as const).flatMap((member) =>
      repeated(directories.map((directory) => directory[member])).map(
        ({ index, value }) =>
          `${place}.${index}.${member}: found ${showValue(value)} a second time`,
      ),
    ),
  ];
}

/** Nobody signs in to the identity service: who a person is, their bank and the client say. */
function checkProfiles({ role, profiles = [] }: ValidSettings): string[] {
  const at = profiles.indexOf('openid-connect');
  return role === 'bank' || at < 0
    ? []
    : [`profiles.${at}: found "openid-connect"; expected it in role bank only`];
}

function checkEcosystems({ role, ecosystems = [] }: ValidSettings): string[] {
  return role === 'bank' || ecosystems.length === 0
    ? []
    : ['ecosystems: found some; expected them in role bank only'];
}

function checkInstitutions(institutions: Configuration['institutions']): string[] {
  const mistakes = repeated(institutions.map(({ id }) => id)).map(
    ({ index, value }) => `institutions.${index}.id: found ${showValue(value)} a second time`,
  );
  for (const [index, { kind, connector }] of institutions.entries()) {
    if ((kind === 'legacy') !== (connector.type === 'simulated-legacy')) {
      mistakes.push(
        `institutions.${index}.kind: found ${showValue(kind)}; expected legacy for simulated-legacy, and only for it`,
      );
    }
    if (connector.type === 'simulated-legacy') continue;
    if (needsSigningKey(connector) && connector.signingKey === undefined) {
      mistakes.push(
        `institutions.${index}.connector.signingKey: found nothing; expected a private JWK, for private_key_jwt and signed requests`,
      );
    }
  }
  return mistakes;
}

function checkResources({ role, publicUrl, resources = [] }: ValidSettings): string[] {
  if (resources.length > 0 && role === 'identity-service') {
    return ['resources: found some; expected none in the role identity-service'];
  }
  const identifiers = [`${publicUrl}/`, ...resources.map(({ identifier }) => identifier)];
  return repeated(identifiers).map(
    ({ index, value }) =>
      `resources.${index - 1}.identifier: found ${showValue(value)} a second time`,
  );
}

function checkProduction(configuration: ValidSettings): string[] {
  const { publicUrl, mtlsUrl, institutions = [], clients = [] } = configuration;
  const urls: readonly (readonly [place: string, url: string | undefined])[] = [
    ['publicUrl', publicUrl],
    ['mtlsUrl', mtlsUrl],
    ...institutions.flatMap(({ connector }, index) =>
      connector.type === 'simulated-legacy'
        ? []
        : [
            [`institutions.${index}.connector.issuer`, connector.issuer] as const,
            [`institutions.${index}.connector.resourceUrl`, connector.resourceUrl] as const,
          ],
    ),
    ...clients.flatMap(({ redirect_uris }, index) =>
      (Array.isArray(redirect_uris) ? redirect_uris : []).flatMap((uri, position) =>
        typeof uri === 'string' && uri.startsWith('http')
          ? [[`clients.${index}.redirect_uris.${position}`, uri] as const]
          : [],
      ),
    ),
  ];
  return urls.flatMap(([place, url]) =>
    url !== undefined && isOnThisMachine(url)
      ? [
          `${place}: found ${showValue(url)}, which is this machine; expected a public host where NODE_ENV is production`,
        ]
      : [],
  );
}

/** localhost (RFC 6761 §6.3) and the loopback addresses. */
function isOnThisMachine(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const host = new URL(url).hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) === 4) return host.startsWith('127.') || host === '0.0.0.0';
  return host === 'localhost' || host.endsWith('.localhost') || host === '::1' || host === '::';
}

function repeated(values: readonly string[]): { index: number; value: string }[] {
  return values
    .map((value, index) => ({ index, value }))
    .filter(({ index, value }) => values.indexOf(value) !== index);
}
