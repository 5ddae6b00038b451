import { userInfo } from 'node:os';
import { text } from 'node:stream/consumers';
import { runAdminCommand } from './composition/administer/run-admin-command.js';
import { loadConfiguration } from './config/load-configuration.js';
import { processEnvironment } from './config/process-environment.js';
import { systemClock } from './core/clock.js';
import { createLogger } from './create-logger.js';

/** `npm run admin`: clients and their operators, whether or not a process is running on the store. */
try {
  const { output, status } = await runAdminCommand(process.argv.slice(2), {
    loadConfiguration: (file) => loadConfiguration({ file, environment: processEnvironment() }),
    clock: systemClock,
    logger: createLogger('error'),
    user: userInfo().username,
    readInput: () => text(process.stdin),
  });
  process.stdout.write(`${output}\n`);
  process.exitCode = status;
} catch (error) {
  // One sentence for the operator; a stack would only hide it.
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
