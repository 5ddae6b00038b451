import { readFile } from 'node:fs/promises';
import Koa from 'koa';
import type { BankLedger } from '../../core/bank-ledger.js';
import type { Clock } from '../../core/clock.js';
import { allowHosts } from '../../http/allow-hosts.js';
import { listen } from '../../http/listen.js';
import { noStore, securityHeaders } from '../../http/security-headers.js';
import type { CertificateFiles } from '../certificate-authority.js';
import { createLegacyBankRoutes } from './create-routes.js';
import { createVisits } from './visits.js';

export interface LegacyBankOptions {
  /** Its origin. */
  readonly url: string;
  readonly port: number;
  readonly server: CertificateFiles;
  readonly ledger: BankLedger;
  readonly clock: Clock;
}

/** How long requests in flight may take to finish when the sandbox stops. */
const graceSeconds = 5;

/**
 * A bank without an API: pages, passwords, codes by text message. It trusts a browser that gave a code
 * for twelve hours, and asks again afterwards. @throws the system's error, e.g. `EADDRINUSE`.
 */
export async function startLegacyBank(
  options: LegacyBankOptions,
): Promise<{ stop(): Promise<void> }> {
  const { url, port, server, ledger, clock } = options;
  const routes = createLegacyBankRoutes({ ledger, visits: createVisits(clock) });
  const application = new Koa();
  for (const middleware of [allowHosts([url]), securityHeaders(), noStore, routes.routes()]) {
    application.use(middleware);
  }
  const [certificate, key] = await Promise.all([
    readFile(server.certificate, 'utf8'),
    readFile(server.key, 'utf8'),
  ]);
  const listener = await listen(
    { host: '127.0.0.1', port, certificate, key },
    application.callback(),
  );
  return { stop: () => listener.close(graceSeconds) };
}
