import type { AccessTokenFacts } from '../core/access-token.js';

/** What the middlewares before a resource leave in `ctx.state`. */
export interface ApiState {
  /** Set by `traceRequest`. */
  traceId?: string;
  /** The public URL that was asked for; set by `createApi`. */
  url: string;
  /** Set by `authenticate`: live, and presented by the one it is bound to. */
  token: AccessTokenFacts;
}
