import { hash } from 'node:crypto';
import type { Context } from 'koa';
import type { Clock } from '../../../core/clock.js';
import type { Visit } from '../customer-sign-in.js';

/** A browser that looks at its customer's approvals, whether or not they have signed in. */
export interface OpenVisit extends Visit {
  /** The value of the hidden form field `csrf`. */
  readonly csrf: string;
}

/**
 * Visits to the approvals by cookie. Nothing is stored before somebody has signed in, so that nobody
 * fills the store by asking.
 */
export interface ApprovalVisits {
  open(ctx: Context): OpenVisit;
  /**
   * A visit under another cookie than the one before, which somebody else may have put there (fixation).
   * @returns it, and what gives the browser its cookie.
   */
  renew(ctx: Context): { readonly visit: OpenVisit; readonly keep: () => void };
}

interface VisitsDeps {
  readonly clock: Clock;
  /** A new secret of 256 bits that fits a cookie. */
  readonly newSecret: () => string;
}

const cookieName = '__Host-assent-approvals';

/** Long enough to wait for a request and decide (seconds), short for a device that is left lying. */
const visitSeconds = 15 * 60;

/** See {@link ApprovalVisits}. */
export function createApprovalVisits({ clock, newSecret }: VisitsDeps): ApprovalVisits {
  function setCookie(ctx: Context, value: string): void {
    ctx.cookies.set(cookieName, value, {
      httpOnly: true,
      secure: true,
      sameSite: 'lax',
      path: '/',
      overwrite: true,
    });
  }

  function visitOf(secret: string): OpenVisit {
    return {
      // An interaction's id, which stands in its address, must open nothing here.
      uid: `approvals:${secret}`,
      expiresAt: new Date(clock.now() + visitSeconds * 1000),
      csrf: hash('sha256', `csrf:${secret}`, 'base64url'),
    };
  }

  return {
    open(ctx) {
      const shown = ctx.cookies.get(cookieName);
      if (shown !== undefined && /^[\w-]{43}$/.test(shown)) return visitOf(shown);
      const secret = newSecret();
      setCookie(ctx, secret);
      return visitOf(secret);
    },

    renew(ctx) {
      const secret = newSecret();
      return { visit: visitOf(secret), keep: () => setCookie(ctx, secret) };
    },
  };
}
