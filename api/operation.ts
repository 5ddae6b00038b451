import type { Context } from 'koa';
import { z } from 'zod';
import type { AccessTokenFacts } from '../core/access-token.js';
import type { Write } from '../core/storage.js';
import type { ApiErrorCode } from './api-error.js';
import type { AnswerOnce } from './idempotency/answer-once.js';
import { assertScope } from './middleware/require-scope.js';
import { readIfMatch } from './read-if-match.js';
import { readJsonBody } from './read-json-body.js';

/** What OpenAPI says of one call. */
export interface OperationDescription {
  /** The `operationId`. */
  readonly id: string;
  readonly method: 'get' | 'post' | 'patch' | 'delete';
  /** As OpenAPI writes it: `/users/{userId}`. */
  readonly path: string;
  readonly summary: string;
  /**
   * The access token needs one of these, or all of one that names several, joined by a space; without
   * any, no token is asked for.
   */
  readonly scopes: readonly string[];
  /** Whether a token with whatever scope will do. */
  readonly anyScope?: true;
  readonly params: z.ZodObject;
  readonly query: z.ZodObject;
  readonly body: z.ZodType;
  /** The media types of body and answer, where they are not JSON. */
  readonly bodyType?: string;
  readonly answerType?: string;
  readonly status: 200 | 201 | 202 | 204;
  readonly answer: z.ZodType;
  /** The codes of the errors it can be answered with, besides those every call has. */
  readonly errors: readonly ApiErrorCode[];
  /** Whether it changes what the caller has seen: `If-Match` says which state that was. */
  readonly ifMatch?: 'required' | 'optional';
  /** Whether it can be repeated under one `Idempotency-Key`: see {@link OperationRequest.remember}. */
  readonly idempotent?: true;
}

/** One call of the REST API: what OpenAPI says of it, and how it is answered. */
export interface Operation extends OperationDescription {
  /** Checks scope and input and answers. @throws what `answerErrors` knows. */
  run(ctx: Context, answerOnce: AnswerOnce): Promise<void>;
}

/** What an operation is asked, checked by its schemas. */
export interface OperationRequest<Params, Query, Body, Answer> {
  readonly token: AccessTokenFacts;
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  /** The public URL that was asked for. */
  readonly url: string;
  /**
   * The writes that remember the answer for the request's `Idempotency-Key`; none without a key. An
   * idempotent operation puts them into the commit of its change, so that neither is without the other.
   */
  remember(answer: Answer): readonly Write[];
  /** Whether `If-Match` allows a state of what is changed, by its entity tag. */
  readonly expect: (etag: string) => boolean;
  /** Headers of the answer, also where it is an error. */
  setHeaders(headers: Readonly<Record<string, string>>): void;
}

interface OperationSpec<
  Params extends z.ZodObject,
  Query extends z.ZodObject,
  Body extends z.ZodType,
  Answer extends z.ZodType,
> extends Pick<
    Operation,
    | 'id'
    | 'method'
    | 'path'
    | 'summary'
    | 'scopes'
    | 'anyScope'
    | 'errors'
    | 'idempotent'
    | 'ifMatch'
  > {
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  /** 64 KiB where nothing is said. */
  readonly maxBodyBytes?: number;
  readonly status: Operation['status'];
  readonly answer: Answer;
  handle(
    request: OperationRequest<z.output<Params>, z.output<Query>, z.output<Body>, z.output<Answer>>,
  ): Promise<z.output<Answer>>;
}

/** For an operation without parameters of a kind, without a body, and without an answer's body. */
export const noParameters = z.object({});
export const noBody = z.undefined();
export const noAnswer = z.void();

/** Makes an operation of its description, its schemas and the function that answers it. */
export function defineOperation<
  Params extends z.ZodObject,
  Query extends z.ZodObject,
  Body extends z.ZodType,
  Answer extends z.ZodType,
>({ handle, ...spec }: OperationSpec<Params, Query, Body, Answer>): Operation {
  return {
    ...spec,
    async run(ctx, answerOnce) {
      const { token } = ctx.state;
      if (!spec.anyScope) assertScope(ctx, token, spec.scopes);
      const expect = readIfMatch(ctx, spec.ifMatch);
      const sent = await readBody(ctx, spec.body, spec.maxBodyBytes);
      const request = {
        token,
        params: spec.params.parse(ctx.params),
        query: spec.query.parse(readQuery(ctx.querystring)),
        body: spec.body.parse(sent),
        url: ctx.state.url,
        expect,
        setHeaders: (headers: Readonly<Record<string, string>>) => ctx.set({ ...headers }),
      };
      const result = spec.idempotent
        ? await answerOnce(ctx, sent, (remember) => handle({ ...request, remember }))
        : await handle({ ...request, remember: () => [] });
      ctx.status = spec.status;
      if (result !== undefined) ctx.body = result;
    },
  };
}

async function readBody(ctx: Context, schema: z.ZodType, maxBytes?: number): Promise<unknown> {
  return schema instanceof z.ZodUndefined ? undefined : readJsonBody(ctx, maxBytes);
}

/** A parameter given twice becomes a list, which only a schema that wants a list accepts. */
function readQuery(querystring: string): unknown {
  const search = new URLSearchParams(querystring);
  return Object.fromEntries(
    [...new Set(search.keys())].map((name) => {
      const values = search.getAll(name);
      return [name, values.length === 1 ? values[0] : values];
    }),
  );
}
