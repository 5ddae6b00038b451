import type { Context } from 'koa';
import { Refusal } from '../core/refusal.js';
import { readBody } from '../http/read-body.js';

const limit = 16 * 1024;

/**
 * Reads a page's form.
 * @returns its fields.
 * @throws {Refusal} `invalid_request` where it is no form, too large, or has a field twice; `repeatable`
 * fields may come more than once and are joined by a space.
 */
export async function readForm(
  ctx: Context,
  repeatable: readonly string[] = [],
): Promise<Record<string, string>> {
  if (!ctx.is('urlencoded'))
    throw new Refusal('invalid_request', 'Please use the form of the page.');
  const body = await readBody(ctx.req, limit);
  if (!body) throw new Refusal('invalid_request', 'The form is too large.');
  const fields = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(body.toString('utf8'))) {
    const earlier = fields.get(name);
    if (earlier !== undefined && !repeatable.includes(name)) {
      throw new Refusal('invalid_request', 'The form has a field twice.');
    }
    fields.set(name, earlier === undefined ? value : `${earlier} ${value}`);
  }
  return Object.fromEntries(fields);
}
