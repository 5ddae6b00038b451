import type { Party } from '../consent-ui/party.js';
import type { ClientMetadata } from '../core/clients.js';
import type { FindClientLogo } from '../http/serve-logos.js';

/**
 * The client as a person knows it: its registered name, the host of its registered website, its own words
 * on privacy and terms, and its logo on our own origin, without which its initials are shown.
 */
export type DescribeClient = (client: ClientMetadata) => Promise<Party>;

/** See {@link DescribeClient}. */
export function createDescribeClient(findLogo: FindClientLogo): DescribeClient {
  return async function describeClient(client) {
    const { client_uri: uri, policy_uri: policyUrl, tos_uri: termsUrl } = client;
    const host = uri && URL.canParse(uri) ? new URL(uri).host : undefined;
    const logoUrl = await findLogo(client);
    return { name: nameOf(client), host, logoUrl, policyUrl, termsUrl };
  };
}

/** What people know the client as. */
export function nameOf({ client_name: name, client_id: id }: ClientMetadata): string {
  return name ?? id;
}
