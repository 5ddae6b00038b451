// A real Assent in a process of its own, to be killed. Takes a configuration in argv[2] and how many
// codes to make in argv[3]; prints one line of JSON with the codes when it listens.

import { configurationSchema } from '../../dist/config/schema.js';
import { createAssent } from '../../dist/create-assent.js';

const configuration = configurationSchema.parse(JSON.parse(process.argv[2]));
const count = Number(process.argv[3]);
const assent = await createAssent({ configuration });
const { provider } = assent;
const [
  {
    client_id: clientId,
    redirect_uris: [redirectUri],
  },
] = configuration.clients;
const client = await provider.Client.find(clientId);
const resource = `${configuration.publicUrl}/`;

async function makeCode() {
  const accountId = 'a'.repeat(24);
  const grant = new provider.Grant({ accountId, clientId });
  grant.addOIDCScope('openid');
  grant.addResourceScope(resource, 'accounts:read');
  const grantId = await grant.save();
  const scope = 'openid accounts:read';
  const code = {
    accountId,
    client,
    grantId,
    redirectUri,
    resource,
    scope,
    gty: 'authorization_code',
  };
  return new provider.AuthorizationCode(code).save();
}

const codes = await Promise.all(Array.from({ length: count }, makeCode));
await assent.start();
process.stdout.write(`${JSON.stringify(codes)}\n`);
