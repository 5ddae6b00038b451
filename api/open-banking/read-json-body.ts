import type { Context } from 'koa';
import { ObieError } from './obie-error.js';

const maxBytes = 64 * 1024;

/**
 * The request's JSON body, at most 64 KiB.
 * @throws {ObieError} 415 for another media type, 413 for too much, 400 for what is not JSON.
 */
export async function readJsonBody(ctx: Context): Promise<unknown> {
  if (!ctx.is('application/json')) {
    throw new ObieError(415, {
      code: 'UK.OBIE.Header.Invalid',
      message: 'The body must be application/json',
      path: 'Content-Type',
    });
  }
  const text = await readText(ctx);
  try {
    return JSON.parse(text);
  } catch {
    throw new ObieError(400, {
      code: 'UK.OBIE.Resource.InvalidFormat',
      message: 'The body is not valid JSON',
    });
  }
}

async function readText(ctx: Context): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of ctx.req) {
    length += chunk.length;
    // What comes after is still read, and dropped: an answer to a sender who cannot yet hear is lost.
    if (length <= maxBytes) chunks.push(chunk);
  }
  if (length > maxBytes) {
    throw new ObieError(413, {
      code: 'UK.OBIE.Resource.InvalidFormat',
      message: 'The body is too large',
    });
  }
  return Buffer.concat(chunks).toString('utf8');
}
