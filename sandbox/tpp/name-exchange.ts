interface Sent {
  readonly method: string;
  readonly url: URL;
  readonly form: URLSearchParams;
}

interface Naming {
  readonly title: string;
  readonly explanation: string;
}

/** What a request is for, in a developer's words, with the standard that it follows. */
export function nameExchange({ method, url, form }: Sent): Naming {
  const path = url.pathname;
  if (path.endsWith('/.well-known/openid-configuration')) return namings.discovery;
  if (path.endsWith('/certs')) return namings.keys;
  if (path.endsWith('/oidc/request')) return namings.push;
  if (path.endsWith('/oidc/token')) return nameGrant(form);
  if (path === '/users') return namings.register;
  if (method === 'DELETE') return namings.remove;
  if (path === '/auth-requests') return namings.authRequest;
  if (path.startsWith('/auth-requests/')) return namings.completion;
  if (method === 'PATCH') return namings.extend;
  if (path.endsWith('/connections')) return namings.connections;
  if (path.endsWith('/balances')) return namings.balances;
  return path.includes('/transactions') ? namings.transactions : namings.accounts;
}

function nameGrant(form: URLSearchParams): Naming {
  if (form.get('grant_type') === 'authorization_code') return namings.redeem;
  return form.has('sub') ? namings.personToken : namings.clientToken;
}

const namings = {
  discovery: {
    title: 'Discover the provider',
    explanation: 'Every address and capability comes from here (OpenID Connect Discovery 1.0).',
  },
  keys: {
    title: 'Fetch the keys of the provider',
    explanation: 'The public keys that its ID tokens are checked with (RFC 7517).',
  },
  push: {
    title: 'Push the authorization request',
    explanation:
      'The whole request goes directly to the provider; the browser will carry a reference only (RFC 9126).',
  },
  redeem: {
    title: 'Exchange the code',
    explanation:
      'The code, once, for tokens: with proof of the client and of the PKCE verifier (RFC 6749 §4.1.3, RFC 7636).',
  },
  clientToken: {
    title: 'Get a token for the client itself',
    explanation: 'A management scope, no person (RFC 6749 §4.4).',
  },
  personToken: {
    title: 'Get a token for the data of one person',
    explanation:
      'Client credentials with the extra parameter sub: ongoing access needs the person once only.',
  },
  register: {
    title: 'Register a user',
    explanation: 'Ongoing access belongs to a user of this client.',
  },
  connections: {
    title: 'List the connections of the user',
    explanation: 'Each bank that the person connected, and how it is.',
  },
  extend: {
    title: 'Extend the consent',
    explanation:
      'The person agreed on a screen of this client. What is sent is kept two hours shorter.',
  },
  authRequest: {
    title: 'Make an auth request',
    explanation: 'The answer holds the bank’s own address: no page of Assent comes in between.',
  },
  completion: {
    title: 'Complete the auth request',
    explanation: 'What the bank’s redirect brought, handed on as it is.',
  },
  remove: {
    title: 'Delete the connection',
    explanation: 'The consent ends at the bank too, and the data is removed.',
  },
  accounts: {
    title: 'Read the accounts',
    explanation: 'Only what the person chose and the permissions allow.',
  },
  balances: { title: 'Read the balances', explanation: 'Of one account.' },
  transactions: { title: 'Read the transactions', explanation: 'Of one account, a page of them.' },
} satisfies Record<string, Naming>;
