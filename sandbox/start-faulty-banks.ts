import { readFile } from 'node:fs/promises';
import { type Listener, listen } from '../http/listen.js';
import type { CertificateFiles } from './certificate-authority.js';
import type { SandboxPorts } from './ports.js';

/**
 * Two banks that fail on purpose, as real servers, so that what a person then sees can be tried: one
 * takes every request and never answers, one answers everything with a page of nonsense.
 */
export async function startFaultyBanks(
  ports: Pick<SandboxPorts, 'slowBank' | 'brokenBank'>,
  server: CertificateFiles,
): Promise<{ stop(): Promise<void> }> {
  const [certificate, key] = await Promise.all([
    readFile(server.certificate, 'utf8'),
    readFile(server.key, 'utf8'),
  ]);
  const address = { host: '127.0.0.1', certificate, key };
  const listeners: Listener[] = [];
  // Nobody waits for them: what is under way there would never end.
  const stop = async () => {
    await Promise.all(listeners.splice(0).map((listener) => listener.close(0)));
  };
  try {
    listeners.push(
      await listen({ ...address, port: ports.slowBank }, (request) => request.resume()),
    );
    listeners.push(
      await listen({ ...address, port: ports.brokenBank }, (request, response) => {
        request.resume();
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end('<html><body>It works!</body>');
      }),
    );
  } catch (error) {
    await stop();
    throw error;
  }
  return { stop };
}
