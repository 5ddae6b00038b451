import { z } from 'zod';
import { type AuthenticationContext, authenticationContexts } from './bank-authentication.js';
import { parseJson } from './parse-json.js';

/** What contexts are called elsewhere. */
export type ContextNames = Readonly<Record<AuthenticationContext, string>>;

const values = z.array(z.string());

const claimsSchema = z.object({
  id_token: z.object({
    acr: z.object({
      essential: z.boolean().optional().catch(undefined),
      value: z.string().optional().catch(undefined),
      values: values.optional().catch(undefined),
    }),
  }),
});

/**
 * How a request wants the person authenticated: one of these contexts, the first rather than the next;
 * undefined where any will do. `acr_values` are as binding as an essential `acr` claim, because a
 * resource that asks for them refuses anything else (RFC 9470 §5), and none at all are left where none of
 * them is offered.
 * @param params of the authorization request.
 * @param names what the client calls them, where not as the bank does.
 */
export function readWantedContexts(
  params: Readonly<Record<string, unknown>>,
  names?: ContextNames,
): readonly AuthenticationContext[] | undefined {
  const { data } = claimsSchema.safeParse(parseJson(params.claims));
  const { essential = false, value, values: several = [] } = data?.id_token.acr ?? {};
  const claimed = value === undefined ? several : [value];
  if (essential && claimed.length > 0) return offered(claimed, names);
  const { acr_values: asked } = params;
  if (typeof asked === 'string' && asked !== '') return offered(asked.split(' '), names);
  const welcome = offered(claimed, names);
  return welcome.length > 0 ? [...new Set([...welcome, ...authenticationContexts])] : undefined;
}

function offered(
  asked: readonly string[],
  names: ContextNames | undefined,
): readonly AuthenticationContext[] {
  return asked.flatMap((name) =>
    authenticationContexts.filter((context) => (names?.[context] ?? context) === name),
  );
}
