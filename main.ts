import { parseArgs } from 'node:util';
import { loadConfiguration } from './config/load-configuration.js';
import { processEnvironment } from './config/process-environment.js';
import { createAssent } from './create-assent.js';
import { stopOnSignal } from './stop-on-signal.js';

const usage = 'Usage: npm run serve -- --config FILE\n';

/** `serve`: the provider alone, with whatever the configuration says. What a container starts. */
async function serve(): Promise<void> {
  const { values } = parseArgs({
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
  const assent = await createAssent({ configuration });
  await assent.start();
  stopOnSignal(() => assent.stop());
  process.stdout.write(`Assent is ready: ${configuration.publicUrl}/oidc\n`);
}

try {
  await serve();
} catch (error) {
  // One sentence for the operator; a stack would only hide it.
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
