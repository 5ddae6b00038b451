import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock } from '../core/clock.js';
import { openSandboxDirectory } from './directory.js';

const usage = `Usage: npm run --silent statement -- REDIRECT_URI... [--name NAME] [--data DIRECTORY]

Prints a software statement, with which a client registers once at the sandbox's bank.

  --name NAME        what people see (My app)
  --data DIRECTORY   where the sandbox keeps its data (data/sandbox)
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    name: { type: 'string', default: 'My app' },
    data: { type: 'string', default: join('data', 'sandbox') },
  },
});
if (positionals.length === 0) {
  process.stderr.write(usage);
  process.exitCode = 2;
} else {
  const directory = await openSandboxDirectory(values.data, systemClock);
  const statement = await directory.issue({ name: values.name, redirectUris: positionals });
  process.stdout.write(`${statement}\n`);
}
