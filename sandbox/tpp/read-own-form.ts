import { timingSafeEqual } from 'node:crypto';
import type { Context } from 'koa';
import { Refusal } from '../../core/refusal.js';
import { readForm } from '../../interactions/read-form.js';
import type { Session } from './session-store.js';

/** @throws {Refusal} where the form did not come from a page of this browser's session. */
export async function readOwnForm(
  ctx: Context,
  { csrf }: Session,
): Promise<Record<string, string>> {
  const form = await readForm(ctx, ['permission']);
  const [given, expected] = [Buffer.from(form.csrf ?? ''), Buffer.from(csrf)];
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw new Refusal('forbidden', 'The form is out of date. Please start again.');
  }
  return form;
}
