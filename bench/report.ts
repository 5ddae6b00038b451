import { availableParallelism, cpus, loadavg } from 'node:os';
import type { Comparison, Extent, Result } from './compare.js';
import type { Start } from './measure-start.js';
import type { Stock } from './server-protocol.js';
import { median } from './statistics.js';

/** Writes what was measured, as it is measured. */
export function createReport(write: (text: string) => void) {
  const line = (text = '') => write(`${text}\n`);

  return {
    begin({ rounds, seconds, connections }: Extent) {
      line(`Node ${process.version}, ${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown'}`);
      line(`Load of the machine before: ${load()}`);
      line(`${rounds} rounds of ${seconds} s per server, ${connections} requests at once,`);
      line('TLS with client certificates on both sides, private_key_jwt with ES256.');
    },
    beginEndpoints() {
      line();
      line('Assent on SQLite, every write on disk and sealed, beside the bare library in memory.');
      line('The ratio is that of requests per second, the median of the rounds.');
    },
    endpoint(name: string, { ratio, ratios, subject, reference }: Comparison) {
      line();
      line(`${name}: ratio ${ratio.toFixed(2)} (${range(ratios)})`);
      line(`  Assent        ${rate(subject)}`);
      line(`  bare library  ${rate(reference)}`);
      line(`  storage calls ${describeCalls(subject.storageCalls)}`);
    },
    memoryAfterLoad(assent: number, bare: number) {
      line();
      line(`Memory after that load: Assent ${megabytes(assent)}, bare library ${megabytes(bare)}`);
    },
    clients(clients: number, { ratio, ratios, subject, reference }: Comparison, memory: number) {
      line();
      line(`${clients} clients in turn beside one: ratio ${ratio.toFixed(2)} (${range(ratios)})`);
      line(`  ${clients} clients ${rate(subject)}`);
      line(`  one client    ${rate(reference)}`);
      line(`  storage calls ${describeCalls(subject.storageCalls)}`);
      line(`  memory after  ${megabytes(memory)}`);
    },
    start({ clients, grants }: Stock, starts: readonly Start[]) {
      const times = starts.map(({ milliseconds }) => milliseconds);
      const memory = starts.map(({ residentBytes }) => residentBytes);
      line();
      line(`serve with ${clients} clients and ${grants} grants stored, ${starts.length} starts:`);
      line(`  ready after   ${median(times).toFixed(0)} ms (${range(times, 0)})`);
      line(`  memory        ${megabytes(median(memory))} at rest`);
    },
    end() {
      line();
      line(`Load of the machine after: ${load()}`);
    },
  };
}

function rate({ requestsPerSecond, cpuMilliseconds, mainThreadMilliseconds }: Result): string {
  const requests = requestsPerSecond.toFixed(0).padStart(5);
  const [all, main] = [cpuMilliseconds, mainThreadMilliseconds].map((value) => value.toFixed(3));
  return `${requests} requests/s, each ${all} ms CPU, of which ${main} in the main thread`;
}

function range(values: readonly number[], digits = 2): string {
  return `${Math.min(...values).toFixed(digits)} to ${Math.max(...values).toFixed(digits)}`;
}

function describeCalls(calls: Readonly<Record<string, number>>): string {
  const sum = Object.values(calls).reduce((total, count) => total + count, 0);
  const each = Object.entries(calls).map(([name, count]) => `${count.toFixed(2)} ${name}`);
  return `${sum.toFixed(2)} each: ${each.join(', ')}`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}

function load(): string {
  return loadavg()
    .map((value) => value.toFixed(2))
    .join(', ');
}
