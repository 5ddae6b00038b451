import type { Party } from '../consent-ui/party.js';
import type { ClientMetadata } from '../core/clients.js';
import type { FindClientLogo } from '../http/serve-logos.js';

/**
 * The client as a person knows it: its registered name, the host of its registered website, and its logo
 * on our own origin, without which its initials are shown.
 */
export type DescribeClient = (client: ClientMetadata) => Promise<Party>;

/** See {@link DescribeClient}. */
export function createDescribeClient(findLogo: FindClientLogo): DescribeClient {
  return async function describeClient(client) {
    const { client_uri: uri } = client;
    const host = uri && URL.canParse(uri) ? new URL(uri).host : undefined;
    return { name: nameOf(client), host, logoUrl: await findLogo(client) };
  };
}

/** What people know the client as. */
export function nameOf({ client_name: name, client_id: id }: ClientMetadata): string {
  return name ?? id;
}
