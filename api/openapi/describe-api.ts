import { z } from 'zod';
import { type ApiErrorCode, apiErrorStatus } from '../api-error.js';
import { commonErrors, errorSchema } from '../error-schema.js';
import type { OperationDescription } from '../operation.js';

type JsonSchema = z.core.JSONSchema.BaseSchema;

/** What differs from one installation to the next. */
interface Installation {
  /** `https://host[:port]`, the public one first. */
  readonly origins: readonly string[];
  readonly title?: string;
}

/** The operations as an OpenAPI 3.1 document, made of the schemas that check the requests. */
export function describeApi(
  operations: readonly OperationDescription[],
  { origins, title = 'Assent: identity and data' }: Installation,
) {
  const components: Record<string, JsonSchema> = {};

  function toSchema(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
    const { $schema: _dialect, $defs, ...rest } = z.toJSONSchema(schema, { io });
    Object.assign(components, $defs);
    return rest;
  }

  function describeOperation(operation: OperationDescription) {
    const { id, summary, scopes, params, query, body, status, answer } = operation;
    const { bodyType, answerType } = operation;
    const accessTokens = operation.anyScope ? [[]] : scopes.map((scope) => scope.split(' '));
    const errors = [
      ...(accessTokens.length === 0 ? [] : commonErrors),
      ...(operation.idempotent ? repetitionErrors : []),
      ...(operation.ifMatch ? preconditionErrors[operation.ifMatch] : []),
      ...operation.errors,
    ];
    const hasBody = !(body instanceof z.ZodUndefined);
    return {
      operationId: id,
      summary,
      security: accessTokens.map((accessToken) => ({ accessToken })),
      parameters: [
        ...parametersOf(params, 'path'),
        ...parametersOf(query, 'query'),
        ...(operation.idempotent ? [idempotencyKey] : []),
        ...(operation.ifMatch ? [{ ...ifMatch, required: operation.ifMatch === 'required' }] : []),
      ],
      ...(hasBody && { requestBody: { content: contentOf(toSchema(body, 'input'), bodyType) } }),
      responses: {
        [status]: {
          description: summary,
          ...(status !== 204 && { content: contentOf(toSchema(answer, 'output'), answerType) }),
        },
        ...Object.fromEntries(errors.map((code) => [apiErrorStatus[code], describeError(code)])),
      },
    };
  }

  function describeError(code: ApiErrorCode) {
    return { description: code, content: contentOf(toSchema(errorSchema, 'output')) };
  }

  function parametersOf(schema: z.ZodObject, place: 'path' | 'query') {
    const { properties = {}, required = [] } = toSchema(schema, 'input');
    return Object.entries(properties).map(([name, property]) => ({
      name,
      in: place,
      required: place === 'path' || required.includes(name),
      schema: property,
    }));
  }

  const paths: Record<string, Record<string, unknown>> = {};
  for (const operation of operations) {
    paths[operation.path] = {
      ...paths[operation.path],
      [operation.method]: describeOperation(operation),
    };
  }
  const document = {
    openapi: '3.1.0',
    info: { title, version: '3' },
    servers: origins.map((url) => ({ url })),
    paths,
    components: { schemas: components, securitySchemes: { accessToken: securityScheme(origins) } },
  };
  return withComponentReferences(document);
}

/** What an `Idempotency-Key` can be refused for. */
const repetitionErrors: readonly ApiErrorCode[] = ['Conflict', 'UnprocessableContent'];

/** RFC 9110 §13.1.1, RFC 6585 §3. */
const preconditionErrors = {
  optional: ['PreconditionFailed'],
  required: ['PreconditionFailed', 'PreconditionRequired'],
} as const;

const ifMatch = {
  name: 'If-Match',
  in: 'header',
  description: 'The `ETag` of the state that the change is meant for, or `*`',
  schema: { type: 'string' },
};

const idempotencyKey = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'Repeated with the same key within a day, the request is answered as the first time',
  schema: { type: 'string', minLength: 1, maxLength: 257 },
};

/** RFC 6750 or RFC 9449 tokens of the provider beside this API. */
function securityScheme([publicOrigin]: readonly string[]) {
  const openIdConnectUrl = `${publicOrigin}/oidc/.well-known/openid-configuration`;
  return { type: 'openIdConnect', openIdConnectUrl };
}

function contentOf(schema: JsonSchema, mediaType = 'application/json') {
  return { [mediaType]: { schema } };
}

/** Shared schemas live under `components` in OpenAPI, where JSON Schema has `$defs`. */
function withComponentReferences(document: object): unknown {
  const text = JSON.stringify(document);
  return JSON.parse(text.replaceAll('"#/$defs/', '"#/components/schemas/'));
}
