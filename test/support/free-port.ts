import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/**
 * Below the ports that the kernel gives to connections and to whoever asks for any (from 32768 on): what
 * is found free here is not given away before the test uses it. Each worker of Jest has its own.
 */
const [lowest, count] = [20_000 + (Number(process.env.JEST_WORKER_ID ?? 0) % 4) * 2500, 2500];
let next = randomInt(count);

/** A port that nobody uses, another one each time. */
export async function freePort(): Promise<number> {
  for (let tried = 0; tried < count; tried++) {
    const port = lowest + (next++ % count);
    if (await isFree(port)) return port;
  }
  throw new RangeError('no port is free');
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
