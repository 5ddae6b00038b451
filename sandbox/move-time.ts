import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Agent, fetch } from 'undici';
import { z } from 'zod';
import { systemErrorCode } from '../config/system-error-code.js';
import { backwards } from './movable-clock.js';
import { portsFrom, urlsFrom } from './ports.js';

const usage = `Usage: npm run time -- [MOVE] [--port-base PORT] [--data DIRECTORY]

Moves the time of a running sandbox, and prints what it is then.

  MOVE               how far (+90d, +12h, +30m, +2w), or to when (2027-02-19, 2027-02-19T08:00:00Z)
  --port-base PORT   the first port of the sandbox (3000)
  --data DIRECTORY   where it keeps its data (data/sandbox)
`;

const documentSchema = z.object({ now: z.iso.datetime(), csrf: z.string() });
const refusalSchema = z.object({ error: z.string() });

/** `npm run time`: the same form that the page "Time" sends. */
async function main(): Promise<void> {
  // Before it is read as an option.
  if (process.argv.slice(2).some((argument) => /^-\d/.test(argument))) throw backwards();
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      'port-base': { type: 'string', default: '3000' },
      data: { type: 'string', default: join('data', 'sandbox') },
      help: { type: 'boolean' },
    },
  });
  const [to, ...more] = positionals;
  const base = Number(values['port-base']);
  if (values.help || more.length > 0 || !Number.isInteger(base) || base < 1 || base > 65_000) {
    process.stdout.write(usage);
    process.exitCode = values.help ? 0 : 2;
    return;
  }
  const address = new URL('/time', urlsFrom(portsFrom(base)).tpp);
  const ca = await readFile(join(values.data, 'certificates', 'ca.pem'), 'utf8').catch((cause) => {
    throw noSandbox(address, cause);
  });
  const agent = new Agent({ connect: { ca } });
  try {
    process.stdout.write(`${await moveTime(address, agent, to)}\n`);
  } catch (error) {
    // What `fetch` says of a server that is not there, or is another one.
    throw error instanceof TypeError && error.message === 'fetch failed'
      ? noSandbox(address, error.cause)
      : error;
  } finally {
    await agent.destroy();
  }
}

function noSandbox({ origin }: URL, cause: unknown): Error {
  return new Error(
    `no sandbox of this --data is at ${origin} (${systemErrorCode(cause)}). Start one with npm start, or say where it is with --port-base and --data`,
  );
}

/** @returns the sandbox's time after the move; without one, as it is. */
async function moveTime(address: URL, dispatcher: Agent, to: string | undefined): Promise<string> {
  const accept = { accept: 'application/json' };
  const page = await fetch(address, { dispatcher, headers: accept });
  const { now, csrf } = documentSchema.parse(await page.json());
  if (to === undefined) return now;
  const cookie = page.headers
    .getSetCookie()
    .map((line) => line.split(';', 1)[0])
    .join('; ');
  const moved = await fetch(address, {
    dispatcher,
    method: 'POST',
    headers: { ...accept, cookie },
    body: new URLSearchParams({ csrf, to }),
  });
  const answer: unknown = await moved.json();
  if (!moved.ok) throw new Error(refusalSchema.parse(answer).error);
  return documentSchema.parse(answer).now;
}

try {
  await main();
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`The time could not be moved: ${message}\n`);
  process.exitCode = 1;
}
