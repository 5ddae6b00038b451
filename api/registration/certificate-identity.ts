import type { IncomingMessage } from 'node:http';
import type { RegistrationDirectory } from '../../config/schema.js';
import type { Clock } from '../../core/clock.js';
import { isCertificateTrusted, readClientCertificate } from '../../http/client-certificate.js';

/** Whose certificate it has to be. */
export interface SoftwareIdentity {
  readonly organisationId?: string | undefined;
  readonly softwareId?: string | undefined;
}

/**
 * Whether the caller shows a certificate of a trusted authority whose subject names this software, by
 * the attributes that the directory writes it into. True for a directory that asks for none.
 */
export function showsIdentity(
  request: IncomingMessage,
  { certificate: attributes }: Pick<RegistrationDirectory, 'certificate'>,
  identity: SoftwareIdentity,
  clock: Clock,
): boolean {
  if (!attributes) return true;
  const certificate = readClientCertificate(request, clock);
  if (!certificate || !isCertificateTrusted(request)) return false;
  const names = (attribute: string | undefined, value: string | undefined) =>
    attribute === undefined ||
    (value !== undefined && valuesOf(certificate.subject, attribute).includes(value));
  return (
    names(attributes.organisationId, identity.organisationId) &&
    names(attributes.softwareId, identity.softwareId)
  );
}

/** Node prints an attribute a line and escapes what would end one. */
function valuesOf(subject: string, attribute: string): readonly string[] {
  const prefix = `${attribute}=`;
  return subject
    .split('\n')
    .filter((line) => line.startsWith(prefix))
    .map((line) => line.slice(prefix.length).replaceAll(/\\(.)/g, '$1'));
}
