// The first steps of an outside client against the sandbox, with what `tpp.json` says:
//   NODE_EXTRA_CA_CERTS=data/sandbox/certificates/ca.pem node docs/examples/client.mjs
import { readFile } from 'node:fs/promises';
import * as openid from 'openid-client';

const tpp = JSON.parse(await readFile('data/sandbox/tpp.json', 'utf8'));
const client = tpp.clients['identity-service'];
const [bank] = tpp.institutions;

const configuration = await openid.discovery(
  new URL(tpp.issuer),
  client.client_id,
  { id_token_signed_response_alg: 'PS256' },
  openid.ClientSecretBasic(client.client_secret),
);
const codeVerifier = openid.randomPKCECodeVerifier();
const url = await openid.buildAuthorizationUrlWithPAR(configuration, {
  redirect_uri: client.redirect_uris[0],
  scope: `openid id:${bank.id} accounts:read transactions:read:all`,
  state: openid.randomState(),
  nonce: openid.randomNonce(),
  code_challenge: await openid.calculatePKCECodeChallenge(codeVerifier),
  code_challenge_method: 'S256',
  claims: JSON.stringify({
    id_token: { sub: { essential: true }, 'mh:con_id': { essential: true } },
  }),
});
process.stdout.write(`Send the person to\n${url.href}\n`);
