import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { TestDatabase } from '../test-database.js';

/** A child process on a database, and the lines it has written. */
export interface TestProcess {
  readonly child: ChildProcess;
  readonly lines: string[];
  /** Resolves when it has ended and everything it wrote was read. */
  ended(): Promise<void>;
}

const hooks = new URL('./typescript-specifiers.ts', import.meta.url).href;

/** Runs one of the scripts beside this file, with the database's URL and key file as arguments. */
export function runProcess(script: string, { url, masterKey }: TestDatabase): TestProcess {
  const file = fileURLToPath(new URL(`./${script}.ts`, import.meta.url));
  const args = ['--import', hooks, file, url, masterKey.file];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  const ends = Promise.all([once(child, 'exit'), once(reader, 'close')]);
  return {
    child,
    lines,
    async ended() {
      await ends;
    },
  };
}
