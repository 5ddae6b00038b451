import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { type JobKind, schedule } from './job.js';
import type { Write } from './storage.js';
import type { Validity } from './validity.js';

/**
 * What a client can be told of, and what each event says (identity-service.md §5). The first five are
 * the hosted service's, to the letter; the rest are ours. All payloads are JSON.
 */
export interface EventPayloads {
  readonly reauthReminder: {
    readonly connectionId: string;
    readonly bankName: string;
    readonly timeUntilReauthorizationInDays: number;
    readonly tppConsent: boolean;
    readonly validity: Validity;
  };
  readonly refreshReminder: {
    readonly connectionId: string;
    readonly bankName: string;
    readonly periodSinceLastUpdateInDays: number;
  };
  readonly syncCompleted: {
    /** ISO 8601 */
    readonly completedAt: string;
    readonly processingStatus: 'success' | 'error';
    readonly syncId: string;
    readonly connectionId: string;
  };
  readonly newTransactions: TransactionsOfAccounts;
  readonly deletedAccount: { readonly accountId: string };
  /** A connection was completed: its code was redeemed, or its auth request completed. */
  readonly connectionAdded: ConnectionState;
  /** The person authenticated at the bank again. */
  readonly connectionReauthenticated: ConnectionState;
  /** It worked, and its bank stopped sharing; `error` as in the connection. */
  readonly connectionFailed: ConnectionState & { readonly error: string };
  readonly connectionDeleted: { readonly connectionId: string; readonly bankName: string };
  readonly consentExtended: ConnectionState;
  readonly consentExpired: ConnectionState;
  /** What `test delivery` sends. */
  readonly webhookTest: Readonly<Record<string, never>>;
}

type ConnectionState = {
  readonly connectionId: string;
  readonly bankName: string;
  readonly validity: Validity;
};

type TransactionsOfAccounts = {
  /** At most 6000 transactions in one event. */
  readonly accounts: readonly { readonly id: string; readonly transactions: readonly string[] }[];
};

export type EventType = keyof EventPayloads;

export const eventTypes = [
  'reauthReminder',
  'refreshReminder',
  'syncCompleted',
  'newTransactions',
  'deletedAccount',
  'connectionAdded',
  'connectionReauthenticated',
  'connectionFailed',
  'connectionDeleted',
  'consentExtended',
  'consentExpired',
  'webhookTest',
] as const satisfies readonly EventType[];

const eventSchema = z.object({
  id: z.uuid(),
  type: z.enum(eventTypes),
  clientId: z.string(),
  userId: z.string(),
  occurredAt: z.iso.datetime(),
  payload: z.record(z.string(), z.unknown()),
});

/** An event in the outbox, and later in the delivery log. `id` stays the same through every retry. */
export type Event = z.infer<typeof eventSchema>;

/** The outbox: an event waits here, as a job, to be handed to its client's webhooks. */
export const publishEvent: JobKind<Event> = { name: 'publish-event', data: eventSchema };

/**
 * The write that reports an event: it belongs into the commit of what it reports, so that neither is
 * there without the other (architecture decision 23).
 */
export function report<Type extends EventType>(
  type: Type,
  about: { readonly clientId: string; readonly userId: string },
  payload: EventPayloads[Type],
  at: Date,
): Write {
  const { clientId, userId } = about;
  const id = randomUUID();
  const event = {
    id,
    type,
    clientId,
    userId,
    occurredAt: at.toISOString(),
    payload: { ...payload },
  };
  return schedule(publishEvent, id, at, event);
}
