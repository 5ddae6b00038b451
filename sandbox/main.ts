import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { systemErrorCode } from '../config/system-error-code.js';
import { stopOnSignal } from '../stop-on-signal.js';
import { createSandbox, type Sandbox } from './create-sandbox.js';
import { lockDirectory } from './lock-directory.js';
import { portsFrom } from './ports.js';

const usage = `Usage: npm start -- [--port-base PORT] [--data DIRECTORY] [--webhook URL]...

  --port-base PORT   the first port of the sandbox (3000); it uses up to 31 more
  --data DIRECTORY   where it keeps its data (data/sandbox)
  --webhook URL      an https address of yours that is told of every event of every client, too
`;

/** `npm start`: the simulated bank, Assent and the TPP application in one process. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      'port-base': { type: 'string', default: '3000' },
      data: { type: 'string', default: join('data', 'sandbox') },
      webhook: { type: 'string', multiple: true, default: [] },
      help: { type: 'boolean' },
    },
  });
  const base = Number(values['port-base']);
  if (values.help || !Number.isInteger(base) || base < 1 || base > 65_000) {
    process.stdout.write(usage);
    process.exitCode = values.help ? 0 : 2;
    return;
  }
  const webhooks = values.webhook.map(readWebhook);
  const options = { directory: values.data, ports: portsFrom(base), webhooks };
  // Before anything is written: another sandbox may be serving from these files.
  const lock = await lockDirectory(values.data);
  const sandbox = await createSandbox(options);
  await sandbox.start();
  stopOnSignal(async () => {
    await sandbox.stop();
    lock.release();
  });
  process.stdout.write(describe(sandbox, join(values.data, 'tpp.json')));
}

function readWebhook(text: string): URL {
  const url = URL.parse(text);
  if (url?.protocol === 'https:') return url;
  throw new Error(`--webhook ${text} is no https URL, e.g. https://localhost:4000/hooks`);
}

function describe({ tpp, urls }: Sandbox, document: string): string {
  const home = tpp.institutions.find(({ id }) => id === tpp.people[0]?.institution);
  const people = tpp.people.map(
    ({ login, password, what }) => `  ${login.padEnd(8)} ${password.padEnd(20)} ${what}`,
  );
  return `
The Assent sandbox is ready.

  Connect a bank step by step   ${urls.tpp}
  Assent                        ${tpp.discovery}
  What Assent tells the apps    ${urls.tpp}/events
  Move the time                 ${urls.tpp}/time
  What the bank's people share  ${urls.bank}/access
  Codes of Old Mill Bank        ${urls.legacyBank}/phone
  For your own client           ${document}

Your browser does not know the sandbox's certificates: go on past its warning, for each address once,
or trust ${tpp.ca}

Sign in at ${home?.name ?? 'the bank'} as
${people.join('\n')}

Ctrl-C stops it; the data stays.
`;
}

try {
  await main();
} catch (error) {
  const isInUse = systemErrorCode(error) === 'EADDRINUSE';
  const port = isInUse && error instanceof Error && 'port' in error ? error.port : undefined;
  const message = isInUse
    ? `Port ${port} is in use: stop what listens there, or choose others with npm start -- --port-base PORT`
    : `The sandbox could not start: ${error instanceof Error ? error.message : error}`;
  process.stderr.write(`${message}\n`);
  process.exitCode = 1;
}
