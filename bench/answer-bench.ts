import { type BenchServer, type Question, question, type Usage } from './server-protocol.js';

/**
 * The server's end of the channel: tells where it is, and answers until it is told to stop.
 * @param storageCalls counted by operation and collection since the start.
 */
export function answerBench(
  server: BenchServer,
  storageCalls: Readonly<Record<string, number>> = {},
): void {
  async function answer(asked: Question): Promise<unknown> {
    switch (asked.ask) {
      case 'seed':
        return server.seed(asked.kind, asked.count);
      case 'fill':
        return server.fill(asked.stock);
      case 'usage':
        return measureUsage(storageCalls);
      case 'stop':
        return server.stop();
    }
  }

  process.on('message', async (message) => {
    const asked = question.parse(message);
    try {
      process.send?.({ answer: await answer(asked) });
    } catch (error) {
      process.send?.({ failure: error instanceof Error ? error.stack : String(error) });
    }
    if (asked.ask === 'stop') process.disconnect();
  });
  // A server without its bench has nothing to do.
  process.on('disconnect', () => process.exit());
  process.send?.({ answer: server.place });
}

function measureUsage(storageCalls: Readonly<Record<string, number>>): Usage {
  const all = process.cpuUsage();
  const mainThread = process.threadCpuUsage();
  return {
    storageCalls,
    cpuMilliseconds: (all.user + all.system) / 1000,
    mainThreadMilliseconds: (mainThread.user + mainThread.system) / 1000,
    residentBytes: process.memoryUsage.rss(),
  };
}
