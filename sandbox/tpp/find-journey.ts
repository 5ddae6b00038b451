import type { Context } from 'koa';
import type { TppNext } from '../../consent-ui/pages/tpp-step-page.js';
import { Refusal } from '../../core/refusal.js';
import type { Journey } from './journey.js';
import type { ConnectedJourney } from './read-data.js';
import type { Session } from './session-store.js';

/**
 * The journey that an address names. Where the step fails, its page leads back to the journey's
 * connection instead of to the start.
 * @throws {Refusal} `not_found`
 */
export function findJourney(ctx: Context, session: Session): Journey {
  const journey = session.journeys.get(String(ctx.params.id));
  if (!journey) {
    throw new Refusal('not_found', 'This browser has no such journey. Please start again.');
  }
  rememberWayBack(ctx, session, journey);
  return journey;
}

/** @throws {Refusal} `not_found`; `conflict` before there is a connection. */
export function findConnected(ctx: Context, session: Session): ConnectedJourney {
  return assertConnected(findJourney(ctx, session));
}

/** As {@link findConnected}, for a renewal the journey whose connection it renewed. */
export function findConnection(ctx: Context, session: Session): ConnectedJourney {
  return assertConnected(renewedBy(session, findJourney(ctx, session)));
}

/** The journey that made the connection; the renewal itself where that is kept no more. */
export function renewedBy({ journeys }: Session, journey: Journey): Journey {
  return (journey.renews && journeys.get(journey.renews.journeyId)) ?? journey;
}

/** Whether a journey stands for a connection: it made one, or renewed one whose journey is gone. */
export function holdsConnection(session: Session, journey: Journey): boolean {
  return journey.connected !== undefined && renewedBy(session, journey) === journey;
}

/** Where a page leads that shows why a step of this journey failed. */
export function rememberWayBack(ctx: Context, session: Session, journey: Journey): void {
  const { id, choice, connected } = renewedBy(session, journey);
  const href = `/journeys/${id}/connections`;
  if (!connected || choice.access === 'one-time' || ctx.path === href) return;
  ctx.state.wayBack = { href, label: 'Back to the connection' } satisfies TppNext;
}

function assertConnected({ connected, ...journey }: Journey): ConnectedJourney {
  if (!connected) throw new Refusal('conflict', 'The bank is not connected yet.');
  return { ...journey, connected };
}
