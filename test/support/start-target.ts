import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { TLSSocket } from 'node:tls';
import type { CertificateFiles } from '../../sandbox/certificate-authority.js';

export interface Received {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** An HTTPS server on loopback of somebody else's, which keeps what it receives. */
export async function startTarget(
  files: CertificateFiles,
  answer: (response: ServerResponse, received: Received) => void | Promise<void>,
) {
  const received: Received[] = [];
  const [cert, key] = await Promise.all([readFile(files.certificate), readFile(files.key)]);
  const server = createServer({ cert, key }, async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { method, url, headers } = request;
    const one = { method, url, headers, body: Buffer.concat(chunks).toString() };
    received.push(one);
    await answer(response, one);
  });
  let connections = 0;
  server.on('connection', () => {
    connections++;
  });
  server.on('tlsClientError', (_error, socket: TLSSocket) => socket.destroy());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (!address || typeof address === 'string') throw new TypeError('no port');
  const { port } = address;
  return {
    port,
    url: `https://localhost:${port}/hook`,
    received,
    /** TCP connections that were accepted. */
    connections: () => connections,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export type Target = Awaited<ReturnType<typeof startTarget>>;
