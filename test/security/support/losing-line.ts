import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { Agent, buildConnector, fetch as undiciFetch } from 'undici';
import type { RunningAssent } from '../../support/start-assent.js';

/**
 * A line to an Assent that can lose an answer: the request arrives, and when its answer comes, so after
 * what it did was committed, the connection breaks before a byte of it is through.
 */
export async function openLosingLine({ configuration, authority }: RunningAssent) {
  let losing = false;
  let lost = 0;
  const sockets = new Set<Socket>();
  const relay = createServer((near) => {
    const { host, port } = configuration.listen.browser;
    const far = connect(port, host);
    sockets.add(near).add(far);
    near.pipe(far);
    far.on('data', (bytes) => {
      if (!losing) {
        near.write(bytes);
        return;
      }
      losing = false;
      lost++;
      near.destroy();
      far.destroy();
    });
    for (const socket of [near, far]) socket.on('error', () => undefined);
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
  });
  relay.listen(0, '127.0.0.1');
  await once(relay, 'listening');
  const address = relay.address();
  if (!address || typeof address === 'string') throw new TypeError('no port');
  const port = String(address.port);
  const direct = buildConnector({ ca: await readFile(authority.certificate, 'utf8') });
  const dispatcher = new Agent({
    connect: (target, callback) => direct({ ...target, port }, callback),
    connections: 1,
  });
  const fetch: RunningAssent['fetch'] = (url, init = {}) =>
    undiciFetch(new URL(url, configuration.publicUrl), {
      redirect: 'manual',
      dispatcher,
      ...init,
    });

  return {
    fetch,
    /** How many answers were lost. */
    lost: () => lost,
    /** Loses the answer of what `send` sends. */
    async lose(send: () => Promise<unknown>): Promise<void> {
      // A connection that stands, so that the next bytes from there are the answer.
      await (await fetch('/oidc/certs')).arrayBuffer();
      const before = lost;
      losing = true;
      const outcome = await send().then(
        () => 'an answer',
        () => 'none',
      );
      losing = false;
      if (outcome !== 'none' || lost !== before + 1) throw new Error('the answer was not lost');
    },
    async close() {
      await dispatcher.destroy();
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => relay.close(resolve));
    },
  };
}
