import type { Context } from 'koa';
import { ApiError } from './api-error.js';

const maxBytes = 64 * 1024;

/**
 * The request's JSON body, at most 64 KiB; without any body an empty object.
 * @throws {ApiError} `PayloadTooLarge`, `UnsupportedMediaType`, or `BadRequest` for what is not JSON.
 */
export async function readJsonBody(ctx: Context): Promise<unknown> {
  const text = await readText(ctx);
  if (text === '') return {};
  if (!ctx.is('json'))
    throw new ApiError('UnsupportedMediaType', 'The body must be application/json');
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ApiError('BadRequest', 'The body is not valid JSON', { cause });
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
  if (length > maxBytes) throw new ApiError('PayloadTooLarge', 'The body is larger than 64 KiB');
  return Buffer.concat(chunks).toString('utf8');
}
