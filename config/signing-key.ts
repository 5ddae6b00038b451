import { z } from 'zod';
import type { ConnectorConfiguration } from './schema.js';

/** The private JWK that requests and assertions to a bank are signed with: what it says is what is used. */
export const signingKeySchema = z.looseObject({
  kty: z.enum(['EC', 'RSA', 'OKP']),
  kid: z.string(),
  alg: z.string(),
  d: z.string(),
});

/** Whether anything that is sent to a bank is signed. */
export function needsSigningKey(
  connector: Extract<ConnectorConfiguration, { type: 'open-banking-uk' }>,
): boolean {
  return connector.request === 'signed' || connector.tokenEndpointAuthMethod === 'private_key_jwt';
}
