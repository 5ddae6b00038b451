// The bank or one Assent in a process of its own, whose clock stands still until the parent moves it.
// argv[2] is JSON of `ServeOptions` (world.ts).

import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { revokeGrant } from '../../../dist/adapters/oidc/revoke-grant.js';
import { connections } from '../../../dist/core/connection.js';
import { createIntentService } from '../../../dist/core/intent-service.js';
import { jobs } from '../../../dist/core/job.js';
import { leaseTime } from '../../../dist/core/job-lease.js';
import { createAssent } from '../../../dist/create-assent.js';
import { createDemoLedger } from '../../../dist/sandbox/bank/create-demo-ledger.js';
import { openCertificateAuthority } from '../../../dist/sandbox/certificate-authority.js';
import { createConfigurations } from '../../../dist/sandbox/create-configurations.js';
import { urlsFrom } from '../../../dist/sandbox/ports.js';
import { openSandboxClients } from '../../../dist/sandbox/sandbox-clients.js';

const { directory, ports, role, listen, webhooks, start, revivalSeconds } = JSON.parse(
  process.argv[2],
);

let now = start;
const listeners = new Set();
const clock = {
  now: () => now,
  onMove(listener) {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};

const urls = urlsFrom(ports);
const authority = await openCertificateAuthority(join(directory, 'certificates'), clock);
const server = await authority.server('server');
const clients = await openSandboxClients({
  ...{ directory: join(directory, 'keys'), authority, tppUrl: urls.tpp },
  webhooks: [],
});
const registrations = clients.registrations.map((client) => ({ ...client, webhooks }));
const configurations = await createConfigurations({
  ...{ directory, authority, server, ports, urls, log: process.env.TIME_TEST_LOG ?? 'silent' },
  clients: registrations,
  webhooks: [],
});
const configuration = {
  ...configurations[role],
  ...(listen && {
    listen: {
      browser: { host: '127.0.0.1', port: listen.browser },
      mtls: { host: '127.0.0.1', port: listen.mtls },
    },
  }),
  ...(role === 'assent' && {
    synchronisation: { everyHours: 0 },
    lifetimes: { ...configurations.assent.lifetimes, revival: revivalSeconds },
    outgoing: {
      allow: webhooks.map(({ url }) => new URL(url).host),
      certificateAuthorities: [authority.certificate],
    },
  }),
};
/** Outcomes of attempts to deliver a webhook that this process stored. */
let deliveriesWritten = 0;
const assent = await createAssent({
  configuration,
  onStorageCall({ operation, collection }) {
    if (operation === 'commit' && collection === 'webhook_delivery') deliveriesWritten += 1;
  },
  clock,
  ledger: createDemoLedger({ clock }),
  simulatedInstitutions: true,
});
await assent.start();

const calls = {
  move(to) {
    now = to;
    for (const listener of listeners) listener();
  },
  /** How many jobs are due or being done, and when the next one is due. */
  async jobs() {
    const { records } = await assent.storage.find(jobs, { index: 'due', limit: 200 });
    const due = records.map(({ value }) => Date.parse(value.due));
    const later = due.filter((time) => time > now && time !== now + leaseTime);
    return {
      busy: due.length - later.length,
      next: later[0],
      kinds: records.slice(0, 5).map(({ value }) => `${value.kind} ${value.due} ${value.failures}`),
    };
  },
  /** What the bank calls the consent of a connection. */
  async intentOf(connectionId) {
    const { value } = await assent.storage.get(connections, connectionId);
    return value.authorization.intentId;
  },
  /** The customer withdraws it at the bank. */
  withdraw(intentId) {
    const { storage } = assent;
    const intents = createIntentService({ storage, clock, newId: randomUUID, revokeGrant });
    return intents.withdraw('assent', intentId);
  },
  deliveries: () => deliveriesWritten,
  async stop() {
    await assent.stop();
  },
};

process.on('message', async ({ id, call, args }) => {
  try {
    process.send({ id, value: await calls[call](...args) });
  } catch (error) {
    process.send({ id, error: String(error?.stack ?? error) });
  }
  if (call === 'stop') process.disconnect();
});
// Its parent is gone, or has asked it to stop: nothing is left to wait for.
process.on('disconnect', () => process.exit());
process.send({ id: 0 });
