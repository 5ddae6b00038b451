import type { Approval } from '../../../core/approval.js';
import type { AuthorizationDetail } from '../../../core/authorization-details/detail-type.js';
import type { BankLedger, LedgerAccount, SharingRefusal } from '../../../core/bank-ledger.js';
import type { Clock } from '../../../core/clock.js';
import {
  belongsTo,
  endOfYes,
  type IntentTerms,
  isIntentAuthorisable,
  plainTerms,
} from '../../../core/intent.js';
import type { IntentService } from '../../../core/intent-service.js';
import { bankScopes } from '../../../core/scopes.js';
import type { Write } from '../../../core/storage.js';
import type { GrantedAccess } from '../../save-grant.js';
import { decideDetails } from '../decide-details.js';
import { describeGranted } from '../describe-granted.js';
import type { Earlier } from '../show-steps.js';

/** The data that a client asks a customer for. */
export interface AskedAccess {
  readonly terms: IntentTerms;
  readonly accounts: readonly LedgerAccount[] | SharingRefusal;
  /** What they have agreed to before, which a yes takes the place of. */
  readonly earlier: Earlier | undefined;
  readonly expiresAt: Date;
}

/** What a client asks detail by detail. */
export interface AskedDetails {
  readonly details: readonly AuthorizationDetail[];
  readonly accounts: readonly LedgerAccount[] | SharingRefusal;
  readonly expiresAt: Date;
}

/** What is asked for in an approval, and what a yes to it gives. */
export interface AskedAccessReader {
  /** Whether the intent can still be authorised by this customer; true where none is named. */
  isOpen(approval: Approval): Promise<boolean>;
  /** Undefined where the client only wants to know that it is this person. */
  find(approval: Approval): Promise<AskedAccess | AskedDetails | undefined>;
  /** When a client has to ask again that only wants to know that it is this person. */
  endOfKnowing(): Date;
  /**
   * A yes to the accounts that were ticked, with what has to be written beside the Grant; undefined where
   * accounts are asked for and none of the customer's was chosen.
   * @param form accounts by field, ids with blanks between: `account`, or those of each detail.
   * @throws {Refusal} where the intent can no longer be authorised.
   */
  grant(
    approval: Approval,
    form: Readonly<Record<string, string>>,
  ): Promise<{ readonly granted: GrantedAccess; readonly writes: readonly Write[] } | undefined>;
}

interface AskedAccessDeps {
  readonly ledger: BankLedger;
  readonly intentService: IntentService;
  readonly clock: Clock;
  /** Names a Grant that no intent is behind. */
  readonly newId: () => string;
  /** Seconds until what was approved without an end has to be approved again; 0: never. */
  readonly openEndedIntent: number;
  /** Seconds until details end that name no end. */
  readonly openEndedConsent: number;
  /** Seconds that a client may ask who somebody is, who has agreed to no more than that. */
  readonly knownFor: number;
}

const authentication = ['sub', 'acr', 'auth_time'];
const withIntent = [...authentication, 'openbanking_intent_id'];

/** See {@link AskedAccessReader}. */
export function createAskedAccess(deps: AskedAccessDeps): AskedAccessReader {
  const { ledger, intentService, clock, newId, openEndedIntent, openEndedConsent, knownFor } = deps;

  async function findIntent({ clientId, intentId }: Approval) {
    return intentId === undefined ? undefined : intentService.find(clientId, intentId);
  }

  function endOf(terms: Pick<IntentTerms, 'expiresAt'>): Date {
    return endOfYes(terms, openEndedIntent, clock.now());
  }

  return {
    async isOpen(approval) {
      if (approval.intentId === undefined) return true;
      const intent = await findIntent(approval);
      if (!intent || !isIntentAuthorisable(intent, clock.now())) return false;
      return belongsTo(intent, approval.customerId);
    },

    async find(approval) {
      const accounts = () => ledger.accounts(approval.customerId);
      if (approval.details) {
        const expiresAt = new Date(clock.now() + openEndedConsent * 1000);
        return { details: approval.details, accounts: await accounts(), expiresAt };
      }
      if (!approval.scopes.includes('accounts')) return undefined;
      const intent = await findIntent(approval);
      const terms = intent ?? plainTerms(openEndedIntent, clock.now());
      const shareable = await accounts();
      const known = 'refused' in shareable ? [] : shareable;
      const grounds = { now: clock.now(), openEndedIntent };
      const earlier: Earlier | undefined =
        intent?.status === 'Authorised'
          ? { intent, parts: describeGranted(intent, known, grounds), stays: false }
          : undefined;
      return { terms, accounts: shareable, earlier, expiresAt: endOf(terms) };
    },

    endOfKnowing: () => new Date(clock.now() + knownFor * 1000),

    async grant(approval, form) {
      const { clientId, customerId, intentId } = approval;
      const asked = await this.find(approval);
      const granted = {
        accountId: customerId,
        grantId: newId(),
        resourceScopes: approval.scopes.filter((scope) => bankScopes.includes(scope)),
        claims: authentication,
        expiresAt: asked?.expiresAt ?? this.endOfKnowing(),
      };
      if (!asked) return { granted, writes: [] };
      const held = 'refused' in asked.accounts ? [] : asked.accounts;
      if ('details' in asked) {
        const now = new Date(clock.now());
        const details = decideDetails(asked.details, form, { held, now, latest: asked.expiresAt });
        if (details.length === 0) return undefined;
        const yes = await intentService.grantDetails(clientId, { customerId, details }, undefined);
        const access = {
          ...granted,
          grantId: yes.intent.id,
          claims: withIntent,
          details,
          expiresAt: endOf(yes.intent),
        };
        return { granted: access, writes: yes.writes };
      }
      const ticked = (form.account ?? '').split(' ');
      const accountIds = held.map(({ id }) => id).filter((id) => ticked.includes(id));
      if (accountIds.length === 0) return undefined;
      const choice = { customerId, accountIds };
      const { intent, writes } =
        intentId === undefined
          ? intentService.establish(clientId, asked.terms, choice)
          : { intent: { id: intentId }, writes: await intentService.authorise(intentId, choice) };
      const access = {
        ...granted,
        grantId: intent.id,
        claims: withIntent,
      };
      return { granted: access, writes };
    },
  };
}
