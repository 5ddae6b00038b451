import Router from '@koa/router';
import { z } from 'zod';
import { approvalIdOf, approvals } from '../../core/approval.js';
import type { Storage } from '../../core/storage.js';
import { allowHosts } from '../../http/allow-hosts.js';
import { noStore, securityHeaders } from '../../http/security-headers.js';
import { demoCustomers } from '../bank/demo-people.js';
import type { CertificateFiles } from '../certificate-authority.js';
import { type RunningSite, serveSite } from '../serve-site.js';
import { openPerson } from './use-approvals.js';

export interface PhoneOptions {
  /** Its origin. */
  readonly url: string;
  readonly port: number;
  /** The address to listen on; this machine alone by default. */
  readonly listen?: string | undefined;
  readonly server: CertificateFiles;
  /** The file of the sandbox's authority. */
  readonly ca: string;
  /** The bank's origin. */
  readonly bank: string;
  /** Where the bank keeps who was asked. */
  readonly storage: Pick<Storage, 'get'>;
}

const decisionQuery = z.object({
  auth_req_id: z.string().min(1).max(200),
  action: z.enum(['allow', 'deny']),
});

/**
 * The phone of every demo customer: decides at once, as them and by the bank's own pages, what is asked
 * (`POST /ciba-decide?auth_req_id=…&action=allow|deny`). Test suites without a hand need one; a real
 * bank has none. @throws the system's error, e.g. `EADDRINUSE`.
 */
export async function startPhone(options: PhoneOptions): Promise<RunningSite> {
  const { url, port, listen: host, server, ca, bank, storage } = options;
  const person = await openPerson(ca);
  const router = new Router();

  router.get('/', (ctx) => ctx.redirect(`${bank}/approvals`));
  router.post('/ciba-decide', async (ctx) => {
    const query = decisionQuery.safeParse(ctx.query).data;
    if (!query) return ctx.throw(400, 'auth_req_id and action=allow|deny are required');
    const id = approvalIdOf(query.auth_req_id);
    const approval = await storage.get(approvals, id);
    const customer = demoCustomers.find((one) => one.id === approval?.value.customerId);
    if (!customer) return ctx.throw(404, 'nobody is asked this');
    const isDone = await person.decide(`${bank}/approvals/${id}`, customer, query.action);
    if (!isDone) return ctx.throw(409, 'this can no longer be decided');
    ctx.body = { decided: query.action, by: customer.login };
  });

  const site = await serveSite({
    host,
    port,
    server,
    middleware: [allowHosts([url]), securityHeaders(), noStore, router.routes()],
    silent: true,
  });
  return {
    async stop() {
      await site.stop();
      await person.close();
    },
  };
}
