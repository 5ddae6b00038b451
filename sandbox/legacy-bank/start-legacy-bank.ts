import type { BankLedger } from '../../core/bank-ledger.js';
import type { Clock } from '../../core/clock.js';
import { allowHosts } from '../../http/allow-hosts.js';
import { noStore, securityHeaders } from '../../http/security-headers.js';
import type { CertificateFiles } from '../certificate-authority.js';
import { type RunningSite, serveSite } from '../serve-site.js';
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

/**
 * A bank without an API: pages, passwords, codes by text message. It trusts a browser that gave a code
 * for twelve hours, and asks again afterwards. @throws the system's error, e.g. `EADDRINUSE`.
 */
export function startLegacyBank(options: LegacyBankOptions): Promise<RunningSite> {
  const { url, port, server, ledger, clock } = options;
  const routes = createLegacyBankRoutes({ ledger, visits: createVisits(clock) });
  return serveSite({
    port,
    server,
    middleware: [allowHosts([url]), securityHeaders(), noStore, routes.routes()],
  });
}
