import type { Context } from 'koa';
import { RegistrationRefused } from '../../core/registration/registration-refused.js';
import { nestsDeeper } from '../../http/nests-deeper.js';
import { readBody } from '../../http/read-body.js';

const largest = 64 * 1024;
const deepest = 16;

/** A registration as it was sent: metadata, or a JWS that holds it (UK Open Banking DCR v3.2). */
export type RegistrationRequest =
  | { readonly members: Readonly<Record<string, unknown>> }
  | { readonly signed: string };

/** @throws {RegistrationRefused} `invalid_request` for what is neither. */
export async function readRegistrationRequest(ctx: Context): Promise<RegistrationRequest> {
  const body = await readBody(ctx.req, largest);
  if (!body) throw invalid(`the body is larger than ${largest / 1024} KiB`);
  const text = body.toString('utf8');
  if (ctx.is('application/jose', 'application/jwt')) return { signed: text.trim() };
  if (!ctx.is('json')) {
    throw invalid('the body must be application/json, application/jose or application/jwt');
  }
  const members = parse(text);
  if (!isObject(members)) throw invalid('the body must be a JSON object');
  if (nestsDeeper(members, deepest)) throw invalid('the body is nested too deeply');
  return { members };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's message quotes the body.
    throw invalid('the body is not valid JSON');
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(message: string): RegistrationRefused {
  return new RegistrationRefused('invalid_request', message);
}
