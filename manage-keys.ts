import { parseArgs } from 'node:util';
import { loadConfiguration } from './config/load-configuration.js';
import { processEnvironment } from './config/process-environment.js';
import { systemClock } from './core/clock.js';
import { createLogger } from './create-logger.js';
import { keysUsage, runKeysCommand } from './provider/keys/keys-command.js';

const usage = `Usage: npm run keys -- --config FILE COMMAND\n\n${keysUsage.replaceAll(/^keys /gm, '  ')}`;

/** `npm run keys`: the signing keys of a store, whether or not a process is running on it. */
async function manageKeys(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { config: { type: 'string' }, help: { type: 'boolean' } },
  });
  if (values.help) {
    process.stdout.write(usage);
    return;
  }
  const configuration = await loadConfiguration({
    file: values.config,
    environment: processEnvironment(),
  });
  const logger = createLogger('silent');
  const table = await runKeysCommand(positionals, { configuration, clock: systemClock, logger });
  if (table === undefined) process.exitCode = 2;
  process.stdout.write(table === undefined ? usage : `${table}\n`);
}

try {
  await manageKeys();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
