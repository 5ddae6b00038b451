import Router from '@koa/router';
import type { Context } from 'koa';
import { z } from 'zod';
import type { Logger } from '../../core/logger.js';
import type { RequestObjectRegister } from '../../core/request-object.js';
import { readBody } from '../../http/read-body.js';
import { noStore } from '../../http/security-headers.js';
import { ApiError } from '../api-error.js';
import { answerErrors } from '../middleware/answer-errors.js';
import { noParameters, type OperationDescription } from '../operation.js';

interface RequestObjectApiDeps {
  readonly register: RequestObjectRegister['register'];
  readonly logger: Logger;
}

/** As large as a URL could be that carries it by value, with room. */
const maxBytes = 32 * 1024;

/** As OpenAPI describes it; it needs no token. */
export const requestObjectDescription: OperationDescription = {
  id: 'registerRequestObject',
  method: 'post',
  path: '/request',
  summary: 'Leaves a signed authorization request, to be asked for by reference',
  scopes: [],
  params: noParameters,
  query: noParameters,
  body: z.string().describe('The request object: a JWS signed by the client (RFC 9101)'),
  bodyType: 'application/jws',
  status: 201,
  answer: z.string().regex(/^urn:x-mh-request:[0-9a-f-]{36}$/),
  answerType: 'text/plain',
  errors: ['BadRequest', 'PayloadTooLarge', 'UnsupportedMediaType'],
};

/** `POST /request` at the root: a raw JWS in, its reference as plain text out (§1.3). */
export function createRequestObjectApi({ register, logger }: RequestObjectApiDeps): Router {
  const router = new Router({ strict: true, sensitive: true });
  router.use(noStore, answerErrors(logger));
  router.post(requestObjectDescription.path, async (ctx) => {
    const reference = await register(await readRequestObject(ctx));
    ctx.status = 201;
    ctx.type = 'text/plain';
    ctx.body = reference;
  });
  router.all(requestObjectDescription.path, (ctx) => {
    ctx.set('allow', 'POST');
    throw new ApiError('MethodNotAllowed', 'This method is not offered here');
  });
  return router;
}

async function readRequestObject(ctx: Context): Promise<string> {
  const body = await readBody(ctx.req, maxBytes);
  if (!body) throw new ApiError('PayloadTooLarge', 'The request object is larger than 32 KiB');
  if (!ctx.is('application/jws', 'application/oauth-authz-req+jwt')) {
    throw new ApiError('UnsupportedMediaType', 'The body must be application/jws');
  }
  return body.toString('latin1').trim();
}
