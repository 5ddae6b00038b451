import type Router from '@koa/router';
import type { Middleware } from 'koa';
import type { Provider } from 'oidc-provider';
import type { UnitOfWork } from '../adapters/oidc/unit-of-work.js';
import type { ApiState } from '../api/api-state.js';
import { authenticate } from '../api/middleware/authenticate.js';
import { explainAccess } from '../api/middleware/explain-access.js';
import type { Configuration } from '../config/schema.js';
import type { ApprovalsService } from '../core/approvals-service.js';
import type { ClientHoldings } from '../core/client-holdings.js';
import type { Clock } from '../core/clock.js';
import type { Explanations } from '../core/explanation.js';
import type { JobHandler } from '../core/job.js';
import type { Logger } from '../core/logger.js';
import type { Storage } from '../core/storage.js';
import { readClientCertificate } from '../http/client-certificate.js';
import type { GuardedFetch } from '../http/guarded-fetch.js';
import type { Logos } from '../http/read-logos.js';
import type { RenderProblem } from '../interactions/render-problem.js';
import { createAccessTokenReader } from '../provider/access-token-reader.js';
import { resourceOf } from '../provider/configuration/scopes.js';
import type { RedeemGrant } from '../provider/grants/authorization-code.js';
import type { EncryptionKeys } from '../provider/keys/encryption-keys.js';
import type { SigningKeys } from '../provider/keys/signing-keys.js';
import type { PairwiseSubject } from '../provider/pairwise-subjects.js';
import type { SignOn } from '../provider/sign-on/sign-on.js';

export type Route = Middleware | Router | Router<ApiState>;

/** What one role adds to the provider: its routes, its jobs, and what redeeming a code completes. */
export interface Role {
  /** How each kind of job is done that this role schedules, see `core/scheduler.ts`. */
  readonly jobs: readonly JobHandler[];
  /** What people are shown where a visit goes wrong. */
  readonly renderProblem: RenderProblem;
  readonly redeemGrant: RedeemGrant;
  /** What clients may ask of people who are elsewhere (CIBA), in a role that people sign in to. */
  readonly approvals?: ApprovalsService;
  /** What people sign in to applications with, in a role that has accounts of people. */
  readonly signOn?: SignOn;
  /** What ends an intent at the word of its client; false where it has no such intent. */
  readonly withdrawIntent?: (clientId: string, id: string) => Promise<boolean>;
  /** What its clients have of people. */
  readonly holdings: ClientHoldings;
  routes(foundation: Foundation & { readonly provider: Provider }): readonly Route[];
}

/** What every room is built from. */
export interface Foundation {
  readonly configuration: Configuration;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Tells the scheduler of every job that is stored through it. */
  readonly storage: Storage;
  readonly unitOfWork: UnitOfWork;
  /** Why requests were refused. */
  readonly explanations: Explanations;
  /** For every address that a client names. */
  readonly guardedFetch: GuardedFetch;
  /** What everything is signed with that says it comes from the provider. */
  readonly signingKeys: SigningKeys;
  /** What clients encrypt request objects to. */
  readonly encryptionKeys: EncryptionKeys;
  /** Those of the operator's folder. */
  readonly logos: Logos;
  readonly pairwise: PairwiseSubject;
}

/** The check of access tokens that both roles put before their resources. */
export function protect(
  { configuration, storage, clock, explanations }: Foundation,
  provider: Provider,
): Middleware {
  const { publicUrl, mtlsUrl } = configuration;
  const check = authenticate({
    tokens: createAccessTokenReader(provider, resourceOf(configuration)),
    storage,
    clock,
    origins: [publicUrl, mtlsUrl],
    readCertificate: (request) => readClientCertificate(request, clock),
  });
  return explainAccess(explanations, check);
}
