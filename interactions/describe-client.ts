import type { Party } from '../consent-ui/party.js';
import type { ClientMetadata } from '../core/clients.js';

/**
 * The client as a person knows it: its registered name, and the host of its registered website.
 * @param logoUrl the path of its logo on our own origin; its initials are shown without.
 */
export function describeClient(client: ClientMetadata, logoUrl?: string): Party {
  const { client_name: name, client_uri: uri, client_id: id } = client;
  const host = uri && URL.canParse(uri) ? new URL(uri).host : undefined;
  return { name: name ?? id, host, logoUrl };
}
