import type { Context } from 'koa';
import { ConsumerDataError } from './consumer-data-error.js';

/**
 * The version that a request is answered in: the highest that is offered from `x-min-v` to `x-v`
 * (Consumer Data Standards, HTTP Headers and Versioning).
 * @throws {ConsumerDataError} 400 where `x-v` is missing or no version, 406 where none is offered.
 */
export function negotiateVersion(ctx: Context, offered: readonly number[]): number {
  const highest = readVersion(ctx, 'x-v');
  if (highest === undefined) {
    throw new ConsumerDataError(400, 'Header/Missing', 'The header x-v is required');
  }
  const lowest = readVersion(ctx, 'x-min-v') ?? highest;
  const matching = offered.filter((version) => version <= highest && version >= lowest);
  if (matching.length > 0) return Math.max(...matching);
  const detail = `Versions that are offered: ${offered.join(', ')}`;
  throw new ConsumerDataError(406, 'Header/UnsupportedVersion', detail);
}

function readVersion(ctx: Context, header: string): number | undefined {
  const text = ctx.get(header);
  if (text === '') return undefined;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new ConsumerDataError(400, 'Header/InvalidVersion', `${header} must be a positive integer`);
}
