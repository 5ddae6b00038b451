import { decodeJwt, decodeProtectedHeader } from 'jose';
import type { DecodedToken } from '../../consent-ui/components/exchange-view.js';

const labels: Readonly<Record<string, string>> = {
  client_assertion: 'Client assertion',
  request: 'Request object',
  dpop: 'DPoP proof',
  id_token: 'ID token',
};

/** The JSON Web Tokens among the members of a message, opened but not verified. */
export function openTokens(members: Readonly<Record<string, unknown>>): DecodedToken[] {
  return Object.entries(labels).flatMap(([name, label]) => {
    const token = members[name];
    return typeof token === 'string' ? open(label, token) : [];
  });
}

function open(label: string, token: string): DecodedToken[] {
  try {
    return [{ label, header: decodeProtectedHeader(token), payload: decodeJwt(token) }];
  } catch {
    return [];
  }
}
