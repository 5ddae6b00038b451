import { readFile } from 'node:fs/promises';
import { Agent, fetch as undiciFetch } from 'undici';
import type { Clock } from '../../core/clock.js';
import { createSandbox } from '../../sandbox/create-sandbox.js';
import type { SandboxClientName } from '../../sandbox/tpp-document.js';
import { freePorts } from '../support/free-ports.js';

/** A whole sandbox for one test file: Assent, the simulated bank and the TPP application. */
export async function startSandbox(
  directory: string,
  clock?: Clock,
  webhooks: readonly URL[] = [],
) {
  const ports = await freePorts();
  const sandbox = await createSandbox({ directory, ports, clock, webhooks, log: 'silent' });
  await sandbox.start();
  const { tpp, urls } = sandbox;
  const agent = new Agent({ connect: { ca: await readFile(tpp.ca, 'utf8') } });

  function find<Item>(items: readonly Item[], matches: (item: Item) => boolean): Item {
    const found = items.find(matches);
    if (!found) throw new RangeError('the sandbox has no such person or institution');
    return found;
  }

  return {
    tpp,
    urls,
    client: (name: SandboxClientName) => tpp.clients[name],
    /** The demo person whose description says this. */
    person: (what: string) => find(tpp.people, (person) => person.what.includes(what)),
    institution: (id: string) => find(tpp.institutions, (institution) => institution.id === id),
    institutionNamed: (name: string) =>
      find(tpp.institutions, (institution) => institution.name.includes(name)),
    /** A `fetch` that trusts the sandbox and shows no certificate. */
    fetch: (url: string, init: object = {}) =>
      undiciFetch(url, { redirect: 'manual', ...init, dispatcher: agent }),
    async stop() {
      await agent.destroy();
      await sandbox.stop();
    },
  };
}

export type RunningSandbox = Awaited<ReturnType<typeof startSandbox>>;
