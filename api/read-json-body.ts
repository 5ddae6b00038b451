import type { Context } from 'koa';
import { nestsDeeper } from '../http/nests-deeper.js';
import { readBody } from '../http/read-body.js';
import { ApiError } from './api-error.js';

const usual = 64 * 1024;
/** More than any body of ours needs; what works on JSON later calls itself for each level. */
const deepest = 32;

/**
 * The request's JSON body, at most 64 KiB or what is said; without any body an empty object.
 * @throws {ApiError} `PayloadTooLarge`, `UnsupportedMediaType`, or `BadRequest` for what is not JSON.
 */
export async function readJsonBody(ctx: Context, maxBytes = usual): Promise<unknown> {
  const body = await readBody(ctx.req, maxBytes);
  if (!body)
    throw new ApiError('PayloadTooLarge', `The body is larger than ${maxBytes / 1024} KiB`);
  if (body.length === 0) return {};
  // Also `application/scim+json` and its like (RFC 6839 §3.1).
  if (!ctx.is('json', '+json'))
    throw new ApiError('UnsupportedMediaType', 'The body must be application/json');
  const value = parse(body.toString('utf8'));
  if (nestsDeeper(value, deepest))
    throw new ApiError('BadRequest', 'The body is nested too deeply');
  return value;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's message quotes the body.
    throw new ApiError('BadRequest', 'The body is not valid JSON');
  }
}
