import { readFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import type { Configuration } from '../config/schema.js';
import type { Logger } from '../core/logger.js';
import { type Listener, listen } from '../http/listen.js';

interface ListenersDeps {
  readonly configuration: Configuration;
  readonly handler: RequestListener;
  readonly logger: Logger;
}

/** How long requests under way may take when the process is told to stop (seconds). */
const grace = 10;
/** How often the files of certificates and revocation lists are read again (milliseconds). */
const reread = 60_000;

/** The two listeners (architecture decision 2), and their certificates as the files have them. */
export function createListeners({ configuration, handler, logger }: ListenersDeps) {
  const { listen: addresses, tls } = configuration;
  const listeners: Listener[] = [];
  let rereading: NodeJS.Timeout | undefined;

  async function readMaterial() {
    const read = (path: string) => readFile(path, 'utf8');
    const readAll = (paths: readonly string[]) => Promise.all(paths.map(read));
    const [certificate, key, clientAuthorities, revocationLists] = await Promise.all([
      read(tls.certificate),
      read(tls.key),
      readAll(tls.clientCertificateAuthorities),
      readAll(tls.clientCertificateRevocationLists),
    ]);
    const own = { certificate, key };
    return [own, { ...own, clientAuthorities, revocationLists }] as const;
  }

  /** Files that are being replaced may not fit together: then the next time counts. */
  async function renew(): Promise<void> {
    try {
      const material = await readMaterial();
      for (const [index, listener] of listeners.entries()) {
        listener.renew(material[index] ?? material[0]);
      }
    } catch (cause) {
      logger.warn({ cause }, 'certificates not read again');
    }
  }

  async function close(): Promise<void> {
    clearInterval(rereading);
    await Promise.all(listeners.splice(0).map((listener) => listener.close(grace)));
  }

  return {
    close,
    async open(): Promise<void> {
      const [browser, mtls] = await readMaterial();
      try {
        listeners.push(await listen({ ...addresses.browser, ...browser }, handler));
        listeners.push(await listen({ ...addresses.mtls, ...mtls }, handler));
      } catch (error) {
        await close();
        throw error;
      }
      rereading = setInterval(renew, reread).unref();
    },
  };
}
