import {
  compactDecrypt,
  decodeProtectedHeader,
  type JWK,
  type ProtectedHeaderParameters,
} from 'jose';
import type { Context, Middleware, Next } from 'koa';
import { errors } from 'oidc-provider';
import {
  contentEncryptionAlgorithms,
  keyManagementAlgorithms,
} from '../configuration/encryption.js';
import { replaceBody, rewriteQuery } from '../internals.js';
import { assertReadable } from './assert-readable.js';

/** Characters of a JWE's header; those of real ones, with an ephemeral key, have about 300. */
const longestHeader = 2048;
/** Tried for a token that names none; there are more only where somebody rotates by hand again and again. */
const mostKeys = 4;

type KeysFor = (kid: string | undefined) => Promise<readonly JWK[]>;

/**
 * Decrypts request objects (RFC 9101 §6.1) before anything else looks at them, so that what is inside is
 * bounded as what comes in the clear. What a header could make expensive is refused unread (SEC-38):
 * compression, password-based keys, and a JWE in a JWE. Who made it, its signature says afterwards.
 * @param keysFor our private encryption keys, that of a `kid` among them if there is one.
 */
export function decryptRequestObject(keysFor: KeysFor): Middleware {
  return async function decryptRequest(ctx: Context, next: Next) {
    const { body } = ctx.state;
    if (ctx.method === 'GET' && ctx.path === '/auth') {
      const { request } = ctx.query;
      if (typeof request === 'string' && isEncrypted(request)) {
        const signed = await open(keysFor, request);
        rewriteQuery(ctx.req, (query) => query.set('request', signed));
      }
    } else if (ctx.method === 'POST' && ctx.path === '/request' && Buffer.isBuffer(body)) {
      const form = new URLSearchParams(body.toString('utf8'));
      const [request, ...more] = form.getAll('request');
      if (request !== undefined && more.length === 0 && isEncrypted(request)) {
        form.set('request', await open(keysFor, request));
        ctx.state.body = Buffer.from(form.toString());
        replaceBody(ctx.req, ctx.state.body);
      }
    }
    await next();
  };
}

function isEncrypted(token: string): boolean {
  return token.split('.').length === 5;
}

/** @throws {errors.InvalidRequestObject} the same for every reason, so that nobody learns from trying. */
async function open(keysFor: KeysFor, token: string): Promise<string> {
  const signed = await decryptWithOneOf(keysFor, token);
  if (signed === undefined || signed.split('.').length !== 3) {
    throw new errors.InvalidRequestObject('could not decrypt request object');
  }
  assertReadable(new URLSearchParams({ request: signed }));
  return signed;
}

/** One that names no key may be encrypted to any that has not made way for long. */
async function decryptWithOneOf(keysFor: KeysFor, token: string): Promise<string | undefined> {
  const header = readHeader(token);
  if (!header) return undefined;
  const keys = (await keysFor(header.kid)).filter((candidate) => fits(candidate, header));
  for (const key of keys.slice(0, mostKeys)) {
    const signed = await decrypt(key, token);
    if (signed !== undefined) return signed;
  }
  return undefined;
}

async function decrypt(key: JWK, token: string): Promise<string | undefined> {
  try {
    const { plaintext } = await compactDecrypt(token, key, {
      keyManagementAlgorithms: [...keyManagementAlgorithms],
      contentEncryptionAlgorithms: [...contentEncryptionAlgorithms],
    });
    return new TextDecoder('utf-8', { fatal: true }).decode(plaintext);
  } catch {
    // Nothing but the token is at work here: whatever is wrong is wrong with it.
    return undefined;
  }
}

interface Header {
  readonly alg: string;
  readonly kid: string | undefined;
}

/** Undefined for a header that asks for more than the algorithms we publish. */
function readHeader(token: string): Header | undefined {
  if (token.indexOf('.') > longestHeader) return undefined;
  const { alg, enc, kid, zip, crit, p2c, p2s } = decodeHeader(token);
  if ([zip, crit, p2c, p2s].some((member) => member !== undefined)) return undefined;
  const known =
    keyManagementAlgorithms.some((name) => name === alg) &&
    contentEncryptionAlgorithms.some((name) => name === enc);
  return known && alg !== undefined ? { alg, kid } : undefined;
}

function decodeHeader(token: string): ProtectedHeaderParameters {
  try {
    return decodeProtectedHeader(token);
  } catch {
    return {};
  }
}

function fits({ kty, kid }: JWK, header: Header): boolean {
  const isOfType = header.alg.startsWith('RSA') ? kty === 'RSA' : kty === 'EC';
  return isOfType && (header.kid === undefined || header.kid === kid);
}
