import { hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import { z } from 'zod';
import type { CertificateFiles } from '../../../sandbox/certificate-authority.js';

const eventSchema = z.object({
  id: z.uuid(),
  eventType: z.string(),
  userId: z.string(),
  payload: z.looseObject({ connectionId: z.string() }),
});

/** An event as it arrived. */
export interface ReceivedEvent extends z.infer<typeof eventSchema> {
  /** Milliseconds since the epoch: of its first attempt, by the simulation's clock. */
  readonly at: number;
  /** How often it was taken; more than once is once too often. */
  taken: number;
}

/** A client's webhook: takes events, and says no to the first attempt of one in sixteen. */
export async function receiveWebhooks(
  { certificate, key }: CertificateFiles,
  port: number,
  now: () => number,
) {
  const received = new Map<string, ReceivedEvent>();

  function take(body: string): number {
    const event = eventSchema.parse(JSON.parse(body));
    const known = received.get(event.id);
    const isRefused = !known && hash('sha256', event.id).startsWith('0');
    const kept = known ?? { ...event, at: now(), taken: 0 };
    received.set(event.id, kept);
    if (isRefused) return 503;
    kept.taken += 1;
    return 204;
  }

  const files = await Promise.all([readFile(certificate), readFile(key)]);
  const server = createServer({ cert: files[0], key: files[1] }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => response.writeHead(take(Buffer.concat(chunks).toString())).end());
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    received,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
