import { once } from 'node:events';
import { extname } from 'node:path';
import { setImmediate, setTimeout } from 'node:timers';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { EngineWrite, RecordWrite } from '../engine.js';
import type {
  CommitTuple,
  RecordTuple,
  WriterAnswer,
  WriterData,
  WriterRequest,
  WriteTuple,
} from './write-message.js';

/** Sends commits to the writing thread, all of one turn of the event loop in one message. */
export interface CommitQueue {
  /** As `Engine.commit`. */
  commit(writes: readonly EngineWrite[], now: number): Promise<number | undefined>;
  /** Resolves when everything queued is answered and the thread has ended. */
  close(): Promise<void>;
}

interface Waiting {
  readonly resolve: (lost: number | undefined) => void;
  readonly reject: (error: Error) => void;
}

/** A collection by its place in the list that the writing thread was given. */
interface Table {
  readonly number: number;
  readonly indexes: readonly string[];
}

interface Queued extends Waiting {
  readonly writes: readonly EngineWrite[];
  readonly now: number;
}

/** Source and build have the same extension as this file, under Jest, Node and in `dist/`. */
const workerFile = new URL(
  `./write-worker${extname(fileURLToPath(import.meta.url))}`,
  import.meta.url,
);

/**
 * Commits are sent at most this often. Each message costs a wake-up of both threads and a write to the
 * disk, and makes the reading connection read its pages anew; callers at the same time share it.
 */
const gatheringMilliseconds = 2;

/** Starts the writing thread, which makes missing tables first. */
export async function openCommitQueue(data: WriterData): Promise<CommitQueue> {
  const worker = new Worker(workerFile, { workerData: data, name: 'sqlite-writer' });
  await once(worker, 'message');

  const tables: ReadonlyMap<string, Table> = new Map(
    data.collections.map(({ name, indexes }, number) => [name, { number, indexes }]),
  );
  let queued: Queued[] = [];
  let sent: Waiting[] = [];
  let failure: Error | undefined;
  let closing: Promise<void> | undefined;
  let flushedAt = Number.NEGATIVE_INFINITY;

  function scheduleFlush(): void {
    const wait = flushedAt + gatheringMilliseconds - performance.now();
    if (wait > 0) setTimeout(flush, wait);
    else setImmediate(flush);
  }

  function flush(): void {
    if (queued.length === 0 || failure) return;
    flushedAt = performance.now();
    const request = encodeRequest(queued, tables);
    sent.push(...queued);
    queued = [];
    worker.ref();
    worker.postMessage(request, [request.sealed.buffer]);
  }

  worker.on('message', (answer: WriterAnswer) => {
    const count = 'outcomes' in answer ? answer.outcomes.length : answer.commits;
    const answered = sent.slice(0, count);
    sent = sent.slice(count);
    if (sent.length === 0) worker.unref();
    for (const [index, { resolve, reject }] of answered.entries()) {
      if ('failure' in answer) reject(new Error(`SQLite did not commit: ${answer.failure}`));
      else resolve(answer.outcomes[index] === -1 ? undefined : answer.outcomes[index]);
    }
  });

  function fail(error: Error): void {
    failure = error;
    for (const { reject } of [...sent, ...queued]) reject(error);
    sent = [];
    queued = [];
  }
  // Only a commit under way keeps the process alive; listening alone would.
  worker.unref();
  worker.on('error', (cause) => fail(new Error('The SQLite writer failed', { cause })));
  worker.on('exit', () => fail(failure ?? new Error('The storage is closed')));

  async function finish(): Promise<void> {
    flush();
    const exited = once(worker, 'exit');
    worker.ref();
    worker.postMessage('close' satisfies WriterRequest);
    await exited;
  }

  return {
    async commit(writes, now) {
      if (failure || closing) throw failure ?? new Error('The storage is closed');
      for (const write of writes) tableOf(write, tables);
      return new Promise((resolve, reject) => {
        if (queued.length === 0) scheduleFlush();
        queued.push({ writes, now, resolve, reject });
      });
    },
    close() {
      closing ??= failure ? Promise.resolve() : finish();
      return closing;
    },
  };
}

/** Packs the sealed bytes of all writes into one buffer, which is handed over without a copy. */
function encodeRequest(queued: readonly Queued[], tables: ReadonlyMap<string, Table>) {
  const chunks: Uint8Array[] = [];
  let length = 0;

  function encodeRecord({ sealed, expiresAt, indexValues }: RecordWrite): RecordTuple {
    const offset = length;
    chunks.push(sealed);
    length += sealed.length;
    return [offset, sealed.length, expiresAt ?? null, indexValues.map((value) => value ?? null)];
  }

  function encodeWrite(write: EngineWrite): WriteTuple {
    const { number, indexes } = tableOf(write, tables);
    switch (write.kind) {
      case 'insert':
      case 'put':
        return [write.kind, number, write.id, ...encodeRecord(write)];
      case 'update':
        return ['update', number, write.id, ...encodeRecord(write), write.version];
      case 'consume':
        return ['consume', number, write.id];
      case 'delete':
        return ['delete', number, write.id, write.version ?? null];
      case 'deleteWhere':
        return ['deleteWhere', number, indexes.indexOf(write.index), write.value];
    }
  }

  const commits = queued.map(({ now, writes }): CommitTuple => [now, writes.map(encodeWrite)]);
  const sealed = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    sealed.set(chunk, offset);
    offset += chunk.length;
  }
  return { commits, sealed };
}

function tableOf({ collection }: EngineWrite, tables: ReadonlyMap<string, Table>): Table {
  const table = tables.get(collection);
  if (!table) throw new Error(`The storage was opened without the collection ${collection}`);
  return table;
}
