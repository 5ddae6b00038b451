import type { Party } from '../consent-ui/party.js';
import type { ClientMetadata } from '../core/clients.js';

/** The client as a person knows it: its registered name, and the host of its registered website. */
export function describeClient(client: ClientMetadata): Party {
  const { client_name: name, client_uri: uri, client_id: id } = client;
  return { name: name ?? id, host: uri && URL.canParse(uri) ? new URL(uri).host : undefined };
}
