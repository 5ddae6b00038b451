import { hash } from 'node:crypto';
import type { Context } from 'koa';
import { type ApprovalVisit, approvalVisits } from '../../../core/approval-visit.js';
import type { Clock } from '../../../core/clock.js';
import { put, remove, type Storage, type Write } from '../../../core/storage.js';

/** A browser that looks at its customer's approvals, whether or not they have signed in. */
export interface OpenVisit {
  /** What counts attempts to sign in; says nothing of the cookie. */
  readonly key: string;
  /** The value of the hidden form field `csrf`. */
  readonly csrf: string;
  readonly signedIn: ApprovalVisit | undefined;
}

/**
 * Visits to the approvals by cookie. Nothing is stored before somebody has signed in, so that nobody
 * fills the store by asking; from then on the cookie is another one.
 */
export interface ApprovalVisits {
  open(ctx: Context): Promise<OpenVisit>;
  /** Signs a customer in. @param writes committed with it. */
  signIn(ctx: Context, customerId: string, writes: readonly Write[]): Promise<void>;
  signOut(ctx: Context): Promise<void>;
}

interface VisitsDeps {
  readonly storage: Storage;
  readonly clock: Clock;
  /** A new secret of 256 bits that fits a cookie. */
  readonly newSecret: () => string;
}

const cookieName = '__Host-assent-approvals';

/** Long enough to wait for a request and decide (seconds), short for a device that is left lying. */
const visitSeconds = 15 * 60;

/** See {@link ApprovalVisits}. */
export function createApprovalVisits({ storage, clock, newSecret }: VisitsDeps): ApprovalVisits {
  function setCookie(ctx: Context, value: string): void {
    ctx.cookies.set(cookieName, value, {
      httpOnly: true,
      secure: true,
      sameSite: 'lax',
      path: '/',
      overwrite: true,
    });
  }

  return {
    async open(ctx) {
      const shown = ctx.cookies.get(cookieName);
      const isOurs = shown !== undefined && /^[\w-]{43}$/.test(shown);
      const secret = isOurs ? shown : newSecret();
      if (!isOurs) setCookie(ctx, secret);
      const stored = isOurs ? await storage.get(approvalVisits, secret) : undefined;
      return {
        key: hash('sha256', `visit:${secret}`, 'base64url'),
        csrf: hash('sha256', `csrf:${secret}`, 'base64url'),
        signedIn: stored?.value,
      };
    },

    async signIn(ctx, customerId, writes) {
      // Another secret than before, which somebody else may have put there.
      const secret = newSecret();
      const now = clock.now();
      const visit = { customerId, signedInAt: new Date(now).toISOString() };
      const end = new Date(now + visitSeconds * 1000);
      await storage.commit([put(approvalVisits, secret, visit, end), ...writes]);
      setCookie(ctx, secret);
    },

    async signOut(ctx) {
      const shown = ctx.cookies.get(cookieName);
      if (shown !== undefined) await storage.commit([remove(approvalVisits, shown)]);
      setCookie(ctx, newSecret());
    },
  };
}
