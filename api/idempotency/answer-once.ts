import { hash } from 'node:crypto';
import type { Context } from 'koa';
import type { Clock } from '../../core/clock.js';
import { type RememberedAnswer, rememberedAnswers } from '../../core/remembered-answer.js';
import {
  insert,
  remove,
  type Storage,
  StorageConflict,
  type Stored,
  update,
  type Write,
} from '../../core/storage.js';
import { ApiError } from '../api-error.js';

/**
 * Answers a request that can be repeated (draft-ietf-httpapi-idempotency-key-header): under one
 * `Idempotency-Key` of a client it is performed once, by whichever process, and answered alike for a
 * day. Only success is remembered; what was refused may be tried again under its key.
 * @param sent the body as it came, part of what makes two requests the same.
 * @param perform does it, and puts what `remember` gives into the commit of its change.
 * @throws {ApiError} `BadRequest` for a key that is none, `UnprocessableContent` for one that another
 * request came with, `Conflict` with `Retry-After` while the first is under way.
 */
export type AnswerOnce = <Answer>(
  ctx: Context,
  sent: unknown,
  perform: (remember: (answer: Answer) => readonly Write[]) => Promise<Answer>,
) => Promise<unknown>;

interface AnswerOnceDeps {
  readonly storage: Storage;
  readonly clock: Clock;
}

/** How long an answer is remembered (milliseconds). */
const remembered = 86_400_000;
/**
 * How long a process that is never heard of again keeps others from trying (milliseconds): longer than
 * any operation takes, so that none loses its key, and with it what it did, to a repetition.
 */
const claimed = 180_000;

/** See {@link AnswerOnce}. */
export function createAnswerOnce({ storage, clock }: AnswerOnceDeps): AnswerOnce {
  /** The claim on a key, or the record that already holds its answer. */
  async function claim(ctx: Context, id: string, fingerprint: string) {
    const stored = await storage.get(rememberedAnswers, id);
    if (stored && stored.value.fingerprint !== fingerprint) {
      const message = 'This Idempotency-Key came with another request before';
      throw new ApiError('UnprocessableContent', message);
    }
    if (stored?.value.answer) return stored;
    if (stored && Date.parse(stored.value.claimedUntil) > clock.now()) throw underWay(ctx);
    const claimedUntil = new Date(clock.now() + claimed).toISOString();
    const value: RememberedAnswer = { fingerprint, claimedUntil };
    try {
      await storage.commit([
        stored
          ? update(rememberedAnswers, stored, value)
          : insert(rememberedAnswers, id, value, new Date(clock.now() + remembered)),
      ]);
    } catch (error) {
      throw error instanceof StorageConflict ? underWay(ctx) : error;
    }
    const held = await storage.get(rememberedAnswers, id);
    // Whoever took it over since did so later than this claim lasted.
    if (held?.value.claimedUntil !== claimedUntil) throw underWay(ctx);
    return held;
  }

  /** So that it can be tried again at once. Where that fails, the claim ends by itself. */
  async function release({ id, version }: Stored<RememberedAnswer>): Promise<void> {
    try {
      await storage.commit([remove(rememberedAnswers, id, version)]);
    } catch {
      // An answer was remembered, or the store is lost: neither is ours to put right.
    }
  }

  return async function answerOnce(ctx, sent, perform) {
    const key = readKey(ctx.headers['idempotency-key']);
    if (key === undefined) return perform(() => []);
    const { clientId, subject } = ctx.state.token;
    const request = [ctx.method, ctx.path, ctx.querystring, subject ?? null, sent];
    const fingerprint = hash('sha256', JSON.stringify(request), 'base64url');
    const held = await claim(ctx, JSON.stringify([clientId, key]), fingerprint);
    if (held.value.answer) return held.value.answer.body;
    try {
      // Conditional on the claim, and first in the commit: whoever lost it to another process
      // changes nothing.
      return await perform((body) => [
        update(rememberedAnswers, held, { ...held.value, answer: { body } }),
      ]);
    } catch (error) {
      await release(held);
      throw error;
    }
  };
}

function underWay(ctx: Context): ApiError {
  ctx.set('retry-after', '1');
  return new ApiError('Conflict', 'The first request with this Idempotency-Key is under way');
}

/**
 * The draft's quoted string, or the same without quotes, as most clients send it. Who sends an empty one
 * relies on what could not be kept, and is told.
 */
function readKey(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined;
  const [, key] = /^"?([\x21\x23-\x5b\x5d-\x7e]{1,255})"?$/.exec(String(header)) ?? [];
  if (key === undefined) {
    throw new ApiError('BadRequest', 'Idempotency-Key must be 1 to 255 visible ASCII characters');
  }
  return key;
}
