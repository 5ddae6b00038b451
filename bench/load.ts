import { readFile } from 'node:fs/promises';
import { Pool } from 'undici';
import type { PreparedRequest } from './requests.js';
import type { Material } from './workspace.js';

/** Sends prepared requests over connections that stay open. */
export interface Load {
  /**
   * Sends all, as many at once as there are connections.
   * @returns requests per second.
   * @throws Error with the answer where one is not the expected.
   */
  send(requests: readonly PreparedRequest[]): Promise<number>;
  close(): Promise<void>;
}

/** @param connections each over TLS with the client's certificate, with one request at a time. */
export async function createLoad(
  origin: string,
  { certificateAuthority, clientCertificate }: Material,
  connections: number,
): Promise<Load> {
  const [ca, cert, key] = await Promise.all(
    [certificateAuthority, clientCertificate.certificate, clientCertificate.key].map((path) =>
      readFile(path, 'utf8'),
    ),
  );
  const pool = new Pool(origin, { connections, pipelining: 1, connect: { ca, cert, key } });

  async function sendOne({ path, body, expectedStatus }: PreparedRequest): Promise<void> {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const answer = await pool.request({ path, method: 'POST', headers, body });
    const text = await answer.body.text();
    if (answer.statusCode !== expectedStatus) throw new Error(`${answer.statusCode} ${text}`);
  }

  async function sendAll(requests: readonly PreparedRequest[]): Promise<void> {
    const waiting = requests.values();
    await Promise.all(
      Array.from({ length: connections }, async () => {
        for (const request of waiting) await sendOne(request);
      }),
    );
  }

  return {
    async send(requests) {
      // The first of each connection pay for the handshake, and are not counted.
      await sendAll(requests.slice(0, connections));
      const counted = requests.slice(connections);
      const start = performance.now();
      await sendAll(counted);
      return (counted.length * 1000) / (performance.now() - start);
    },
    close: () => pool.close(),
  };
}
