import { AsyncLocalStorage } from 'node:async_hooks';
import { type Clock, systemClock } from '../core/clock.js';

/** The clock that what is running goes by; undefined is the system's. */
const current = new AsyncLocalStorage<Clock | undefined>();
const SystemDate = Date;

/**
 * Runs `work`, and all that it starts, at the time of `clock`: the libraries (`oidc-provider`, `jose`,
 * `openid-client`) take no clock and read `Date`, so `Date` tells them. Each call has a clock of its
 * own, for several in one process. With the system's clock nothing is replaced.
 * @returns what `work` returns.
 */
export function runAt<Result>(clock: Clock, work: () => Result): Result {
  if (clock === systemClock) return withoutClock(work);
  if (globalThis.Date === SystemDate) globalThis.Date = createFollowingDate();
  return current.run(clock, work);
}

/**
 * A clock that may be read inside of its own {@link runAt}, also where it is made of `Date`, which would
 * there be read through itself. What it calls when it is moved runs at its time.
 */
export function isolateClock(clock: Clock): Clock {
  if (clock === systemClock) return clock;
  const isolated: Clock = {
    now: () => readClock(clock),
    onMove: (listener) => clock.onMove?.(() => runAt(isolated, listener)) ?? (() => {}),
  };
  return isolated;
}

function readClock(clock: Clock): number {
  return withoutClock(() => clock.now());
}

function withoutClock<Result>(work: () => Result): Result {
  return current.getStore() === undefined ? work() : current.run(undefined, work);
}

/** `Date` in everything but what time it is now. */
function createFollowingDate(): DateConstructor {
  function now(): number {
    const clock = current.getStore();
    return clock ? readClock(clock) : SystemDate.now();
  }

  return new Proxy(SystemDate, {
    construct: (target, args, newTarget) =>
      Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
    apply: () => new SystemDate(now()).toString(),
    get: (target, property, receiver) =>
      property === 'now' ? now : Reflect.get(target, property, receiver),
  });
}
