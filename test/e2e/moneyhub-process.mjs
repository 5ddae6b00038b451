// The published client in a process of its own, since it trusts an authority only through
// NODE_EXTRA_CA_CERTS. Takes `{ id, method, args }` and answers `{ id, value }` or `{ id, error }`.
import { Moneyhub } from '@mft/moneyhub-api-client';

let client;

async function answer(method, args) {
  if (method === 'methodNames') return Object.keys(client);
  if (method !== 'configure') return client[method](...args);
  client = await Moneyhub(args[0]);
}

process.on('message', async ({ id, method, args }) => {
  try {
    const value = await answer(method, args);
    process.send({ id, value: value && JSON.parse(JSON.stringify(value)) });
  } catch (error) {
    process.send({
      id,
      error: {
        message: error.message,
        error: error.error,
        description: error.error_description,
        status: error.response?.statusCode,
      },
    });
  }
});
