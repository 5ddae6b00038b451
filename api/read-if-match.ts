import type { Context } from 'koa';
import { ApiError } from './api-error.js';

/**
 * What `If-Match` allows (RFC 9110 §13.1.1): a change is made to the state that its sender has seen, so
 * that nobody overwrites what somebody else has changed since.
 * @throws {ApiError} `PreconditionRequired` where it is needed and missing (RFC 6585 §3); `BadRequest`
 * where it is no entity tag.
 */
export function readIfMatch(
  ctx: Context,
  need: 'required' | 'optional' | undefined,
): (etag: string) => boolean {
  const header = ctx.get('if-match').trim();
  if (header === '') {
    if (need !== 'required') return () => true;
    throw new ApiError('PreconditionRequired', 'If-Match must name the ETag of what is changed');
  }
  if (header === '*') return () => true;
  const tags = header.split(',').map((tag) => tag.trim());
  if (!tags.every((tag) => /^(?:W\/)?"[^"]*"$/.test(tag))) {
    throw new ApiError('BadRequest', 'If-Match must be an ETag with its double quotes, or *');
  }
  return (etag) => tags.includes(etag);
}
