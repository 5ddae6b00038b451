import type { AuthorizationDetail } from '../../core/authorization-details/detail-type.js';
import { detailTypeOf, readDetails } from '../../core/authorization-details/detail-types.js';
import {
  type AuthenticationContext,
  strongAuthentication,
} from '../../core/bank-authentication.js';
import type { Clock } from '../../core/clock.js';
import { type GrantWish, readGrantWish } from '../../core/grant-management.js';
import { belongsTo, type Intent, isGrantOf, isIntentAuthorisable } from '../../core/intent.js';
import type { IntentService } from '../../core/intent-service.js';
import { readIntentId } from '../../core/read-intent-id.js';
import { readWantedContexts } from '../../core/wanted-contexts.js';
import type { InteractionSession } from '../interaction-session.js';

interface Common {
  /** What the client does with grants; undefined where it does not manage them. */
  readonly wish: GrantWish | undefined;
  /** How the customer has to be authenticated, see {@link readWantedContexts}. */
  readonly contexts: readonly AuthenticationContext[] | undefined;
}

/** What a customer is asked: to authorise an intent, or authorization details one by one. */
export type Asked = Common &
  (
    | { readonly kind: 'intent'; readonly intent: Intent }
    | {
        readonly kind: 'details';
        readonly details: readonly AuthorizationDetail[];
        /** The grant that is to be added to, or replaced. */
        readonly held: Intent | undefined;
      }
  );

/** Why nobody is asked: the error for the client. */
export interface NotAsked {
  readonly error: string;
  readonly description: string;
}

interface AskedDeps {
  readonly intentService: IntentService;
  readonly clock: Clock;
}

/** Reads what an authorization request asks of a customer; read anew at each step. */
export async function readAsked(
  { intentService, clock }: AskedDeps,
  { params, scopes, client }: InteractionSession,
): Promise<Asked | NotAsked> {
  const details = readDetails(params.authorization_details);
  const contexts = readContexts(params, details);
  if (contexts?.length === 0) {
    return {
      error: 'unmet_authentication_requirements',
      description: 'this bank does not offer what acr asks for',
    };
  }
  const wish = readGrantWish(params);
  const intentId = readIntentId(params.claims);
  const find = (id: string) => intentService.find(client.client_id, id);
  const named = wish && 'grantId' in wish ? await find(wish.grantId) : undefined;
  if (wish && 'grantId' in wish && !(named && isGrantOf(named, client.client_id, clock.now()))) {
    return unknownGrant;
  }
  if (details) {
    if (intentId !== undefined) {
      return invalid('authorization_details and openbanking_intent_id exclude each other');
    }
    if (named && !named.authorizationDetails) return unknownGrant;
    return { kind: 'details', details, held: named, wish, contexts };
  }
  if (!scopes.includes('accounts')) {
    return { error: 'invalid_scope', description: 'scope accounts is required' };
  }
  const intent = intentId === undefined ? undefined : await find(intentId);
  if (!intent || !isIntentAuthorisable(intent, clock.now())) {
    return invalid('openbanking_intent_id does not name a consent that can be authorised');
  }
  // An intent is its own grant, for ever.
  if (wish?.action === 'create' && intent.status !== 'AwaitingAuthorisation') {
    return invalid('the intent is a grant already');
  }
  if (named && named.id !== intent.id) return unknownGrant;
  return { kind: 'intent', intent, wish, contexts };
}

/** Whether this customer may answer: anyone may, but for what another customer has agreed to before. */
export function isTheirs(asked: Asked, customerId: string): boolean {
  const before = asked.kind === 'intent' ? asked.intent : asked.held;
  return before === undefined || belongsTo(before, customerId);
}

/** The error for a client that sends another customer than the one who agreed before. */
export function ofAnother(asked: Asked): NotAsked {
  return asked.wish && 'grantId' in asked.wish
    ? unknownGrant
    : { error: 'access_denied', description: 'The consent belongs to another customer' };
}

const unknownGrant: NotAsked = {
  error: 'invalid_grant_id',
  description: 'grant_id does not name a grant of this client and this person',
};

function invalid(description: string): NotAsked {
  return { error: 'invalid_request', description };
}

function readContexts(
  params: InteractionSession['params'],
  details: readonly AuthorizationDetail[] | undefined,
): readonly AuthenticationContext[] | undefined {
  const wanted = readWantedContexts(params);
  const needsStrong = details?.some((detail) => detailTypeOf(detail).needsStrongAuthentication);
  if (!needsStrong || wanted?.length === 0) return wanted;
  return [strongAuthentication.acr];
}
