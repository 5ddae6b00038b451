import type { BrokenRule } from '../broken-rule.js';
import { type Collection, insert, type Storage, type Write } from '../storage.js';
import { RegistrationRefused } from './registration-refused.js';

/** What a trusted directory says of a client (RFC 7591 §2.3), its signature verified. */
export interface SoftwareStatement {
  /** The JWS itself, as it was sent. */
  readonly text: string;
  /** Its name in the configuration. */
  readonly directory: string;
  readonly id: string;
  readonly softwareId: string;
  readonly organisationId?: string | undefined;
  readonly roles: readonly string[];
  /** Client metadata that it vouches for, by the members' own names. */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** From when on it is too old or expired. */
  readonly usableUntil: Date;
}

/** Members of the metadata, and the claims that vouch for them: RFC 7591's and UK Open Banking's. */
const vouching = {
  client_name: ['client_name', 'software_client_name'],
  client_uri: ['client_uri', 'software_client_uri'],
  logo_uri: ['logo_uri', 'software_logo_uri'],
  policy_uri: ['policy_uri', 'software_policy_uri'],
  tos_uri: ['tos_uri', 'software_tos_uri'],
  jwks_uri: ['jwks_uri', 'software_jwks_endpoint'],
  jwks: ['jwks', 'software_jwks'],
  redirect_uris: ['redirect_uris', 'software_redirect_uris'],
  software_id: ['software_id'],
  software_version: ['software_version'],
  organisation_id: ['organisation_id', 'org_id'],
  organisation_name: ['organisation_name', 'org_name'],
} as const;

/** What a statement's claims say, as client metadata. */
export function metadataOfStatement(
  claims: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const found = Object.entries(vouching).flatMap(([member, names]) => {
    const value = names.map((name) => claims[name]).find((each) => each != null && each !== '');
    // UK Open Banking writes versions as numbers.
    return value === undefined ? [] : [[member, typeof value === 'number' ? `${value}` : value]];
  });
  const metadata = Object.fromEntries(found);
  // Where a client publishes its keys is the better of the two: they can change there.
  if (metadata.jwks_uri !== undefined) delete metadata.jwks;
  return metadata;
}

/** RFC 7591 §2.3: what the statement says takes precedence; addresses are chosen among its own. */
export function mergeStatement(
  sent: Readonly<Record<string, unknown>>,
  { metadata, softwareId }: Pick<SoftwareStatement, 'metadata' | 'softwareId'>,
): {
  readonly merged: Readonly<Record<string, unknown>>;
  readonly overruled: readonly string[];
  readonly rules: readonly BrokenRule[];
} {
  const { redirect_uris: covered, ...vouched } = metadata;
  const { redirect_uris: uris = covered, ...rest } = sent;
  const overruled = Object.keys(rest).filter(
    (member) =>
      (member in vouched && JSON.stringify(vouched[member]) !== JSON.stringify(rest[member])) ||
      (member === 'jwks' && 'jwks_uri' in vouched) ||
      (member === 'jwks_uri' && 'jwks' in vouched),
  );
  const kept = Object.entries(rest).filter(([member]) => !overruled.includes(member));
  const isOther = sent.software_id !== undefined && sent.software_id !== softwareId;
  return {
    merged: {
      ...Object.fromEntries(kept),
      ...vouched,
      ...(uris !== undefined && { redirect_uris: uris }),
    },
    overruled,
    rules: [
      ...(isOther
        ? [{ member: 'software_id', rule: 'must be that of the software statement' }]
        : []),
      ...findUncovered(uris, covered),
    ],
  };
}

function findUncovered(uris: unknown, covered: unknown): readonly BrokenRule[] {
  if (!Array.isArray(uris)) return [];
  const known: readonly unknown[] = Array.isArray(covered) ? covered : [];
  return uris.flatMap((uri, index) =>
    known.includes(uri)
      ? []
      : [
          {
            member: `redirect_uris.${index}`,
            rule: 'must be one of those in the software statement',
            clause: 'UK Open Banking DCR v3.2; RFC 7591 §2.3',
          },
        ],
  );
}

/** Statements and signed requests that were used, and by which client, until they are too old anyway. */
export const registrationUses: Collection<{ readonly clientId: string }> = {
  name: 'registration_use',
  secretIds: true,
  indexes: [],
  indexValues: () => ({}),
};

/**
 * The writes that use a statement up: for one client, which may show it again.
 * @throws {RegistrationRefused} where another client was registered with it (SEC-48).
 */
export async function useStatement(
  storage: Pick<Storage, 'get'>,
  { directory, id, usableUntil }: SoftwareStatement,
  clientId: string,
): Promise<readonly Write[]> {
  const key = `statement:${directory}:${id}`;
  const used = await storage.get(registrationUses, key);
  if (used?.value.clientId === clientId) return [];
  if (used) {
    const message = 'A client was registered with this software statement already';
    throw new RegistrationRefused('invalid_software_statement', message);
  }
  return [insert(registrationUses, key, { clientId }, usableUntil)];
}
