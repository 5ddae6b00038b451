import type { Context, Middleware, Next } from 'koa';
import { z } from 'zod';
import type { OfferedProfiles } from '../profiles/offered-profiles.js';

const metadataSchema = z.looseObject({ scopes_supported: z.array(z.string()) });

/** Says of requests behind people's backs what they are signed with. */
const backchannelMember = 'backchannel_authentication_request_signing_alg_values_supported';

/**
 * Discovery where the library has one list for two things: of `claims` it takes a list for a scope, also
 * `sid`, which is none; and backchannel requests are signed with fewer algorithms than other requests.
 */
export function announceWhatIs({ backchannelAlgorithms }: OfferedProfiles): Middleware {
  return async function announce(ctx: Context, next: Next) {
    await next();
    if (!ctx.path.startsWith('/.well-known/')) return;
    const { data } = metadataSchema.safeParse(ctx.body);
    if (!data) return;
    ctx.body = {
      ...data,
      scopes_supported: data.scopes_supported.filter((scope) => scope !== 'sid'),
      ...(backchannelMember in data && { [backchannelMember]: [...backchannelAlgorithms] }),
    };
  };
}
