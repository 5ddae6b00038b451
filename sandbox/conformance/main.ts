import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { systemErrorCode } from '../../config/system-error-code.js';
import { stopOnSignal } from '../../stop-on-signal.js';
import { type Conformance, createConformance } from './create-conformance.js';

const usage = `Usage: npm run conformance -- [--suite URL] [--host NAME] [--listen ADDRESS] [--port-base PORT] [--data DIRECTORY]

  --suite URL        where the OpenID Foundation's suite is (https://localhost.emobix.co.uk:8443/); another name than localhost
  --host NAME        what the suite calls this machine (localhost); host.docker.internal where it is in a container
  --listen ADDRESS   the address to listen on (127.0.0.1); 0.0.0.0 where the suite is in a container
  --port-base PORT   the first of five ports (3200)
  --data DIRECTORY   where configurations, keys and data are kept (data/conformance)
`;

/** `npm run conformance`: two banks, and a configuration for each plan of the public suite. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      suite: { type: 'string', default: 'https://localhost.emobix.co.uk:8443/' },
      host: { type: 'string', default: 'localhost' },
      listen: { type: 'string', default: '127.0.0.1' },
      'port-base': { type: 'string', default: '3200' },
      data: { type: 'string', default: join('data', 'conformance') },
      help: { type: 'boolean' },
    },
  });
  const portBase = Number(values['port-base']);
  const suite = URL.parse('./', values.suite);
  const isUsable = suite?.protocol === 'https:' && URL.canParse(`https://${values.host}/`);
  if (
    values.help ||
    !isUsable ||
    !Number.isInteger(portBase) ||
    portBase < 1 ||
    portBase > 65_000
  ) {
    process.stdout.write(usage);
    process.exitCode = values.help ? 0 : 2;
    return;
  }
  const { host, listen, data: directory } = values;
  const conformance = await createConformance({ directory, portBase, host, listen, suite });
  await conformance.start();
  stopOnSignal(() => conformance.stop());
  process.stdout.write(describe(conformance, suite));
}

function describe({ runs, urls, files, suite: state }: Conformance, suite: URL): string {
  return `
Two banks are ready for the conformance suite.

  FAPI and CIBA     ${urls.bank}/oidc/.well-known/openid-configuration
  OpenID Connect    ${urls.signOn}/oidc/.well-known/openid-configuration
  Configurations    ${files.plans} (${runs.length})
  Run them          sh ${files.script} SUITE-CHECKOUT [PATTERN]

${notes[state](suite)}

Ctrl-C stops them; the data stays.
`;
}

const notes = {
  trusted: (suite: URL) => `The suite at ${suite.href} answers, and its certificate is trusted.`,
  misnamed: (suite: URL) =>
    `The certificate of ${suite.host} does not name it: what the banks fetch there fails. Give it
certificates/suite.pem and suite.key (docs/conformance.md), and start this again.`,
  absent: (suite: URL) =>
    `Nothing answers at ${suite.href} yet. Start this again when it does: the banks trust the
certificate that it shows then.`,
};

try {
  await main();
} catch (error) {
  const isInUse = systemErrorCode(error) === 'EADDRINUSE';
  const port = isInUse && error instanceof Error && 'port' in error ? error.port : undefined;
  const message = isInUse
    ? `Port ${port} is in use: choose others with npm run conformance -- --port-base PORT`
    : `The banks could not start: ${error instanceof Error ? error.message : error}`;
  process.stderr.write(`${message}\n`);
  process.exitCode = 1;
}
