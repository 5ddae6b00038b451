import { randomBytes } from 'node:crypto';
import type { Context } from 'koa';
import type { Clock } from '../../core/clock.js';
import type { Journey } from './journey.js';

/** What the application keeps for one browser, in memory only. */
export interface Session {
  /** Stands in every form, so that only our own pages can change something. */
  readonly csrf: string;
  /** By id, oldest first. */
  readonly journeys: Map<string, Journey>;
}

export interface SessionStore {
  /** The session of the browser that asks; a new one, with its cookie, where it has none. */
  of(ctx: Context): Session;
}

/** Another name than the providers' cookies: the browser sends those of every port of a host. */
const cookieName = '__Host-assent-tpp';
const idleMilliseconds = 8 * 3_600_000;
const maxSessions = 500;

/** Sessions by an unguessable cookie; the longest unused make room for new ones. */
export function createSessionStore(clock: Clock): SessionStore {
  const sessions = new Map<string, { readonly session: Session; readonly usedAt: number }>();

  function keep(id: string, session: Session): Session {
    sessions.delete(id);
    sessions.set(id, { session, usedAt: clock.now() });
    const [oldest] = sessions.keys();
    if (sessions.size > maxSessions && oldest !== undefined) sessions.delete(oldest);
    return session;
  }

  return {
    of(ctx) {
      const id = ctx.cookies.get(cookieName) ?? '';
      const known = sessions.get(id);
      if (known && clock.now() - known.usedAt < idleMilliseconds) return keep(id, known.session);
      const fresh = randomBytes(32).toString('base64url');
      // Lax: the person comes back from another site.
      ctx.cookies.set(cookieName, fresh, {
        secure: true,
        httpOnly: true,
        sameSite: 'lax',
        path: '/',
        overwrite: true,
      });
      return keep(fresh, { csrf: randomBytes(32).toString('base64url'), journeys: new Map() });
    },
  };
}

const maxJourneys = 20;

/** Keeps a journey as it is now; a browser's oldest make room, those first that hold no connection. */
export function keepJourney({ journeys }: Session, journey: Journey): void {
  journeys.set(journey.id, journey);
  if (journeys.size <= maxJourneys) return;
  const others = [...journeys.values()].filter(({ id }) => id !== journey.id);
  const spare = others.find(({ connected, renews }) => !connected || renews) ?? others[0];
  if (spare) journeys.delete(spare.id);
}
