/** `npm run bench`: Assent on SQLite beside the bare library in memory. See docs/performance.md. */
import { rm } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { systemClock } from '../core/clock.js';
import { type Comparison, compare, type Extent } from './compare.js';
import { measureStart } from './measure-start.js';
import { createReport } from './report.js';
import { createRequestMaker, type Endpoint, endpoints } from './requests.js';
import { startServer } from './start-server.js';
import { createWorkspace, readMaterial } from './workspace.js';

const usage = `Usage: npm run bench -- [options]
  --rounds N       rounds per endpoint (5)
  --seconds N      about how long each server is measured in a round (2)
  --concurrency N  requests at once (32)
  --only NAME      ${[...endpoints, 'clients', 'start'].join(', ')}; may be repeated
  --profile DIR    write a CPU profile of each server there
`;

const stock = { clients: 10_000, grants: 100_000 };
const starts = 5;

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    concurrency: { type: 'string', default: '32' },
    only: { type: 'string', multiple: true },
    profile: { type: 'string' },
    help: { type: 'boolean' },
  },
});
const extent: Extent = {
  rounds: Number(options.rounds),
  seconds: Number(options.seconds),
  connections: Number(options.concurrency),
};
const nodeOptions = options.profile ? ['--cpu-prof', `--cpu-prof-dir=${options.profile}`] : [];
const report = createReport((text) => process.stdout.write(text));

function isWanted(name: string): boolean {
  return options.only === undefined || options.only.includes(name);
}

/** The four endpoints of Assent beside those of the bare library. */
async function measureEndpoints(wanted: readonly Endpoint[]): Promise<void> {
  const workspace = await createWorkspace(systemClock);
  const material = await readMaterial(workspace);
  const assent = await startServer('assent', workspace, nodeOptions);
  const bare = await startServer('bare', workspace, nodeOptions);
  const [makeAssent, makeBare] = [
    await createRequestMaker(assent, material),
    await createRequestMaker(bare, material),
  ];
  report.beginEndpoints();
  for (const endpoint of wanted) {
    const comparison: Comparison = await compare(
      { server: assent, material, make: (count) => makeAssent.make(endpoint, count) },
      { server: bare, material, make: (count) => makeBare.make(endpoint, count) },
      extent,
    );
    report.endpoint(endpoint, comparison);
  }
  report.memoryAfterLoad((await assent.usage()).residentBytes, (await bare.usage()).residentBytes);
  await Promise.all([assent.stop(), bare.stop()]);
  await rm(workspace, { recursive: true });
}

/** Requests of many clients beside requests of one, then a start on all that is stored. */
async function measureStock(): Promise<void> {
  const [small, large] = [await createWorkspace(systemClock), await createWorkspace(systemClock)];
  const full = await startServer('assent', large, nodeOptions);
  await full.fill(stock);
  if (isWanted('clients')) {
    const one = await startServer('assent', small, nodeOptions);
    const [ofOne, ofMany] = [await readMaterial(small), await readMaterial(large)];
    const [makeOne, makeMany] = [
      await createRequestMaker(one, ofOne),
      await createRequestMaker(full, ofMany),
    ];
    const comparison = await compare(
      {
        server: full,
        material: ofMany,
        make: (count) => makeMany.makeOfMany(stock.clients, count),
      },
      { server: one, material: ofOne, make: (count) => makeOne.make('client_credentials', count) },
      extent,
    );
    report.clients(stock.clients, comparison, (await full.usage()).residentBytes);
    await one.stop();
  }
  await full.stop();
  if (isWanted('start')) {
    const measured = [];
    for (let run = 0; run < starts; run++) measured.push(await measureStart(large));
    report.start(stock, measured);
  }
  await Promise.all([small, large].map((workspace) => rm(workspace, { recursive: true })));
}

if (options.help) {
  process.stdout.write(usage);
} else {
  const wanted = endpoints.filter(isWanted);
  report.begin(extent);
  if (wanted.length > 0) await measureEndpoints(wanted);
  if (isWanted('clients') || isWanted('start')) await measureStock();
  report.end();
}
