import type { Context } from 'koa';
import { isSameSecret } from '../core/is-same-secret.js';
import { Refusal } from '../core/refusal.js';
import { isForeignForm } from '../http/is-foreign-form.js';
import { readForm } from './read-form.js';

/** Whose pages a form has to come from. */
interface OwnPages {
  /** Our origin. */
  readonly origin: string;
  /** What its hidden field `csrf` has to say. */
  readonly csrf: string;
}

/**
 * The fields of a posted form, as {@link readForm}.
 * @throws {Refusal} `forbidden` where none of our own pages has sent it (SEC-11).
 */
export async function readOwnForm(
  ctx: Context,
  { origin, csrf }: OwnPages,
  repeatable?: readonly string[],
): Promise<Record<string, string>> {
  if (isForeignForm(ctx, origin)) throw foreign();
  const form = await readForm(ctx, repeatable);
  if (!isSameSecret(form.csrf ?? '', csrf)) throw foreign();
  return form;
}

function foreign(): Refusal {
  return new Refusal('forbidden', 'This form was not sent from our own page.');
}
