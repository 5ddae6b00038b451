import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { systemClock } from '../../core/clock.js';
import { isolateClock, runAt } from '../../provider/library-clock.js';

const hour = 3_600_000;
const frozen = (iso: string) => ({ now: () => Date.parse(iso) });

describe('what runs at the time of a clock', () => {
  test('reads that time from Date in each of its ways, and Date stays Date otherwise', () => {
    runAt(frozen('2030-01-02T03:04:05Z'), () => {
      expect(Date.now()).toBe(Date.UTC(2030, 0, 2, 3, 4, 5));
      expect(new Date().toISOString()).toBe('2030-01-02T03:04:05.000Z');
      expect(Date()).toContain('2030');
      expect(new Date(0).toISOString()).toBe('1970-01-01T00:00:00.000Z');
      expect(new Date()).toBeInstanceOf(Date);
      class Day extends Date {}
      expect(new Day()).toBeInstanceOf(Day);
      expect(new Day().getUTCFullYear()).toBe(2030);
    });
    expect(Math.abs(Date.now() - systemClock.now())).toBeLessThan(1000);
  });

  test('goes by it also later, beside others with clocks of their own', async () => {
    const years = ['2031', '2032', '2033'].map((year) =>
      runAt(frozen(`${year}-06-01T00:00:00Z`), async () => {
        await wait(5);
        return new Date().getUTCFullYear();
      }),
    );
    expect(await Promise.all(years)).toEqual([2031, 2032, 2033]);
  });

  test('may read a clock that is made of Date, and the real time', () => {
    const clock = isolateClock({ now: () => Date.now() + hour });
    runAt(clock, () => {
      for (const ahead of [Date.now() - systemClock.now(), clock.now() - systemClock.now()]) {
        expect(Math.abs(ahead - hour)).toBeLessThan(1000);
      }
    });
  });

  test('is at the real time inside of another where the clock is the system’s', () => {
    runAt(frozen('2030-01-01T00:00:00Z'), () =>
      runAt(systemClock, () => expect(Math.abs(Date.now() - systemClock.now())).toBeLessThan(1000)),
    );
  });

  test('is what a move of the clock starts', () => {
    const listeners: (() => void)[] = [];
    const clock = isolateClock({
      ...frozen('2030-01-01T00:00:00Z'),
      onMove: (listener) => {
        listeners.push(listener);
        return () => listeners.pop();
      },
    });
    let seen: number | undefined;
    const stop = clock.onMove?.(() => {
      seen = new Date().getUTCFullYear();
    });
    for (const listener of listeners) listener();
    expect(seen).toBe(2030);
    stop?.();
    expect(listeners).toEqual([]);
  });
});
