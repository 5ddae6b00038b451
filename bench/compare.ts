import { createLoad } from './load.js';
import type { PreparedRequest } from './requests.js';
import type { ServerProcess } from './start-server.js';
import { median } from './statistics.js';
import type { Material } from './workspace.js';

export interface Extent {
  readonly rounds: number;
  /** About how long one server is measured in one round. */
  readonly seconds: number;
  readonly connections: number;
}

/** One of two servers that take turns, and how its requests are made. */
export interface Contestant {
  readonly server: ServerProcess;
  readonly material: Material;
  make(count: number): Promise<readonly PreparedRequest[]>;
}

/** What one server did, the median of the rounds, for each request. */
export interface Result {
  readonly requestsPerSecond: number;
  /** CPU time for each request, of all threads and of the main one. */
  readonly cpuMilliseconds: number;
  readonly mainThreadMilliseconds: number;
  readonly storageCalls: Readonly<Record<string, number>>;
}

export interface Comparison {
  readonly subject: Result;
  readonly reference: Result;
  /** Requests per second, subject by reference, in each round. */
  readonly ratios: readonly number[];
  readonly ratio: number;
}

/** Requests that warm a server up and tell how many fill a turn. */
const warmUp = 2000;

/**
 * Measures two servers in turns, each round in the other order: what disturbs the machine for longer
 * than a turn disturbs both.
 */
export async function compare(
  subject: Contestant,
  reference: Contestant,
  extent: Extent,
): Promise<Comparison> {
  const rates = [await warm(subject, extent), await warm(reference, extent)];
  const count = Math.ceil(Math.min(...rates) * extent.seconds) + extent.connections;
  const turns: { subject: Result; reference: Result }[] = [];
  for (let round = 0; round < extent.rounds; round++) {
    const isFirst = round % 2 === 0;
    const first = await takeTurn(isFirst ? subject : reference, count, extent);
    const second = await takeTurn(isFirst ? reference : subject, count, extent);
    turns.push({ subject: isFirst ? first : second, reference: isFirst ? second : first });
  }
  const ratios = turns.map(
    (turn) => turn.subject.requestsPerSecond / turn.reference.requestsPerSecond,
  );
  return {
    subject: summarise(turns.map((turn) => turn.subject)),
    reference: summarise(turns.map((turn) => turn.reference)),
    ratios,
    ratio: median(ratios),
  };
}

async function warm(contestant: Contestant, extent: Extent): Promise<number> {
  await takeTurn(contestant, warmUp, extent);
  return (await takeTurn(contestant, warmUp, extent)).requestsPerSecond;
}

async function takeTurn(
  { server, material, make }: Contestant,
  count: number,
  { connections }: Extent,
): Promise<Result> {
  const requests = await make(count);
  const load = await createLoad(new URL(server.place.token).origin, material, connections);
  const before = await server.usage();
  try {
    const requestsPerSecond = await load.send(requests);
    const after = await server.usage();
    const storageCalls = Object.entries(after.storageCalls)
      .map(([name, calls]) => [name, (calls - (before.storageCalls[name] ?? 0)) / count] as const)
      .filter(([, calls]) => calls > 0);
    return {
      requestsPerSecond,
      cpuMilliseconds: (after.cpuMilliseconds - before.cpuMilliseconds) / count,
      mainThreadMilliseconds:
        (after.mainThreadMilliseconds - before.mainThreadMilliseconds) / count,
      storageCalls: Object.fromEntries(storageCalls),
    };
  } finally {
    await load.close();
  }
}

function summarise(results: readonly Result[]): Result {
  return {
    requestsPerSecond: median(results.map((result) => result.requestsPerSecond)),
    cpuMilliseconds: median(results.map((result) => result.cpuMilliseconds)),
    mainThreadMilliseconds: median(results.map((result) => result.mainThreadMilliseconds)),
    storageCalls: results.at(-1)?.storageCalls ?? {},
  };
}
