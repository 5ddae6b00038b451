import type { ResourceConfiguration } from '../../config/schema.js';
import { readAskedClaims } from '../../core/asked-claims.js';
import type { AuthorizationDetail } from '../../core/authorization-details/detail-type.js';
import { detailTypeOf, readDetails } from '../../core/authorization-details/detail-types.js';
import {
  type AuthenticationContext,
  strongAuthentication,
} from '../../core/bank-authentication.js';
import type { ClientMetadata } from '../../core/clients.js';
import type { Clock } from '../../core/clock.js';
import { type GrantWish, readGrantWish } from '../../core/grant-management.js';
import {
  belongsTo,
  type Intent,
  type IntentTerms,
  isGrantOf,
  isIntentAuthorisable,
  plainTerms,
} from '../../core/intent.js';
import type { IntentService } from '../../core/intent-service.js';
import { readIntentId } from '../../core/read-intent-id.js';
import { permissionsOfScopes, readArrangementRequest } from '../../core/sharing-arrangement.js';
import { type ContextNames, readWantedContexts } from '../../core/wanted-contexts.js';
import type { InteractionSession } from '../interaction-session.js';
import { readOtherScopes } from './other-scopes.js';

interface Common {
  /** What the client does with grants; undefined where it does not manage them. */
  readonly wish: GrantWish | undefined;
  /** How the customer has to be authenticated, see {@link readWantedContexts}. */
  readonly contexts: readonly AuthenticationContext[] | undefined;
}

/** What a customer is asked. */
export type Asked = Common &
  /** To authorise an intent that the client has registered. */
  (
    | { readonly kind: 'intent'; readonly intent: Intent }
    /** To share accounts on the bank's own terms, of which an intent is made. */
    | {
        readonly kind: 'accounts';
        readonly terms: IntentTerms;
        /** What these terms are to be those of from now on; undefined for a new one. */
        readonly amends: Intent | undefined;
      }
    /** To let the client know that it is them, and what it may ask of them besides. */
    | {
        readonly kind: 'identity';
        readonly claims: readonly string[];
        /** In the client's words. */
        readonly purpose: string | undefined;
      }
    /** To grant authorization details one by one. */
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
  /** Seconds until a yes without an end has to be given again; 0: never. */
  readonly openEndedIntent: number;
  /** Seconds that what is shared once can be read. */
  readonly knownFor: number;
  /** What the bank protects itself. */
  readonly resources: readonly ResourceConfiguration[];
  readonly questionsOf: (client: ClientMetadata) => Questions;
}

/** What a client may ask of people, by its profile. */
export interface Questions {
  /** What it may be told claim by claim. */
  readonly claims: readonly string[];
  readonly statesPurpose: boolean;
  /** Whether it asks for accounts as the Consumer Data Right does. */
  readonly arrangements: boolean;
  readonly contextNames: ContextNames | undefined;
}

/** Reads what an authorization request asks of a customer; read anew at each step. */
export async function readAsked(
  deps: AskedDeps,
  session: InteractionSession,
): Promise<Asked | NotAsked> {
  const { intentService, clock, openEndedIntent, resources, questionsOf } = deps;
  const { params, scopes, client } = session;
  const questions = questionsOf(client);
  const details = readDetails(params.authorization_details);
  const contexts = readContexts(params, details, questions.contextNames);
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
  if (questions.arrangements && permissionsOfScopes(scopes).length > 0) {
    if (wish) return invalid('an arrangement is amended by its cdr_arrangement_id');
    return readArrangement(deps, session, contexts);
  }
  if (!scopes.includes('accounts')) {
    // Whatever else is shared ends with an intent, which only accounts or details make.
    const isMore = intentId !== undefined || readOtherScopes(session, resources).length > 0;
    if (isMore || !scopes.includes('openid')) {
      return { error: 'invalid_scope', description: 'scope accounts is required' };
    }
    if (wish) return invalid('a grant is of accounts, or of authorization_details');
    return { kind: 'identity', ...readQuestions(session, questions), wish, contexts };
  }
  if (intentId === undefined && !named) {
    const terms = plainTerms(openEndedIntent, clock.now());
    return { kind: 'accounts', terms, amends: undefined, wish, contexts };
  }
  if (named?.authorizationDetails) return unknownGrant;
  const intent = intentId === undefined ? named : await find(intentId);
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
  const before = heldBefore(asked);
  return before === undefined || belongsTo(before, customerId);
}

/** What is changed by the answer, whether anybody has agreed to it or not. */
export function heldBefore(asked: Asked): Intent | undefined {
  if (asked.kind === 'intent') return asked.intent;
  if (asked.kind === 'accounts') return asked.amends;
  return asked.kind === 'details' ? asked.held : undefined;
}

/** The error for a client that sends another customer than the one who agreed before, or whom it named. */
export function ofAnother(asked: Asked): NotAsked {
  if (heldBefore(asked)?.customerId === undefined) {
    return { error: 'login_required', description: 'another person signed in than was asked for' };
  }
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

/** Accounts for a `sharing_duration`, by the scopes of the Consumer Data Right. */
async function readArrangement(
  { intentService, clock, knownFor }: AskedDeps,
  { params, scopes, client }: InteractionSession,
  contexts: Common['contexts'],
): Promise<Asked | NotAsked> {
  const { arrangementId, sharingDuration } = readArrangementRequest(params.claims) ?? {};
  const amends =
    arrangementId === undefined
      ? undefined
      : await intentService.find(client.client_id, arrangementId);
  if (
    arrangementId !== undefined &&
    !(amends && isGrantOf(amends, client.client_id, clock.now()))
  ) {
    return invalid('cdr_arrangement_id does not name an arrangement in force');
  }
  const terms = {
    permissions: permissionsOfScopes(scopes),
    expiresAt: new Date(clock.now() + (sharingDuration || knownFor) * 1000).toISOString(),
  };
  return { kind: 'accounts', terms, amends, wish: undefined, contexts };
}

function readQuestions({ params }: InteractionSession, { claims, statesPurpose }: Questions) {
  const { purpose } = params;
  return {
    claims: readAskedClaims(params.claims).filter((claim) => claims.includes(claim)),
    purpose: statesPurpose && typeof purpose === 'string' ? purpose : undefined,
  };
}

function readContexts(
  params: InteractionSession['params'],
  details: readonly AuthorizationDetail[] | undefined,
  names: ContextNames | undefined,
): readonly AuthenticationContext[] | undefined {
  const wanted = readWantedContexts(params, names);
  const needsStrong = details?.some((detail) => detailTypeOf(detail).needsStrongAuthentication);
  if (!needsStrong || wanted?.length === 0) return wanted;
  return [strongAuthentication.acr];
}
