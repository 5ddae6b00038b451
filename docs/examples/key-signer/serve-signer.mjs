// What remote-signer.mjs talks to: three calls over HTTP on a socket that its owner alone may open.
import { chmod, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { buffer, json } from 'node:stream/consumers';

/** Ids are `ALGORITHM-UUID`, so that nothing that was sent becomes a path or an argument. */
const idForm = /^[A-Z]{2}256-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Says `ready` on the standard output once it listens.
 * @param {string} socket
 * @param {{
 *   createKey(algorithm: string): Promise<{ id: string, publicJwk: object }>,
 *   signData(id: string, data: Buffer): Promise<Buffer>,
 *   destroyKey(id: string): Promise<void>,
 * }} signer
 */
export async function serveSigner(socket, { createKey, signData, destroyKey }) {
  async function answer(request, response) {
    const [, , id, what] = new URL(request.url, 'http://signer').pathname.split('/');
    if (id !== undefined && !idForm.test(id)) {
      response.writeHead(404).end();
    } else if (request.method === 'POST' && id === undefined) {
      response.end(JSON.stringify(await createKey((await json(request)).algorithm)));
    } else if (request.method === 'POST' && what === 'signatures') {
      response.end(await signData(id, await buffer(request)));
    } else if (request.method === 'DELETE') {
      await destroyKey(id);
      response.writeHead(204).end();
    } else {
      response.writeHead(404).end();
    }
  }

  await rm(socket, { force: true });
  const server = createServer((request, response) => {
    answer(request, response).catch((error) => {
      process.stderr.write(`${error.message}\n`);
      response.writeHead(500).end();
    });
  });
  server.listen(socket, async () => {
    await chmod(socket, 0o600);
    process.stdout.write('ready\n');
  });
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => server.close());
}
