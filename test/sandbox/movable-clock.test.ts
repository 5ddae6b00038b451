import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openMovableClock } from '../../sandbox/movable-clock.js';
import { readMove } from '../../sandbox/read-move.js';

const start = Date.parse('2026-11-21T09:30:00Z');
const day = 86_400_000;

let directory: string;
let file: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'assent-clock-'));
  file = join(directory, 'time.json');
});
afterEach(() => rm(directory, { recursive: true }));

describe('the movable clock', () => {
  it('runs on from where it was moved to, and tells of each move', async () => {
    let real = start;
    const clock = await openMovableClock(file, { now: () => real });
    const told: number[] = [];
    const stopTelling = clock.onMove(() => told.push(clock.now()));
    expect(clock.now()).toBe(start);

    await clock.moveTo(new Date(start + 5 * day));
    real += 1000;
    expect(clock.now()).toBe(start + 5 * day + 1000);
    stopTelling();
    await clock.moveTo(new Date(start + 6 * day));
    expect(told).toEqual([start + 5 * day]);
  });

  it('takes two moves at once one after the other, and keeps the later time', async () => {
    const clock = await openMovableClock(file, { now: () => start });
    const moves = [10, 5].map((days) => clock.moveTo(new Date(start + days * day)));
    const outcomes = (await Promise.allSettled(moves)).map(({ status }) => status);
    expect(outcomes).toEqual(['fulfilled', 'rejected']);
    expect((await openMovableClock(file, { now: () => start })).now()).toBe(start + 10 * day);
  });

  it('is as far ahead after a restart', async () => {
    const before = await openMovableClock(file, { now: () => start });
    await before.moveTo(new Date(start + 84 * day));
    const after = await openMovableClock(file, { now: () => start + 1000 });
    expect(after.now()).toBe(start + 84 * day + 1000);
  });

  it.each([
    ['back', -1],
    ['nowhere', 0],
    ['more than five years ahead', 1831 * day],
  ])('refuses to move %s, and stays', async (_where, by) => {
    const clock = await openMovableClock(file, { now: () => start });
    await clock.moveTo(new Date(start + day));
    const move = clock.moveTo(new Date(start + day + by));
    await expect(move).rejects.toMatchObject({ name: 'Refusal', code: 'invalid_request' });
    expect(clock.now()).toBe(start + day);
    expect((await openMovableClock(file, { now: () => start })).now()).toBe(start + day);
  });

  it('does not begin anew where its file is damaged, which would be to go back', async () => {
    for (const text of ['', '{}', '{"aheadMilliseconds":-1}']) {
      await writeFile(file, text);
      await expect(openMovableClock(file)).rejects.toThrow('time.json');
    }
  });
});

describe('a move', () => {
  it.each([
    ['+90d', '2027-02-19T09:30:00.000Z'],
    ['+12h', '2026-11-21T21:30:00.000Z'],
    ['+30m', '2026-11-21T10:00:00.000Z'],
    ['+2w', '2026-12-05T09:30:00.000Z'],
    ['2027-02-19', '2027-02-19T00:00:00.000Z'],
    ['2027-02-19T08:00:00Z', '2027-02-19T08:00:00.000Z'],
    ['2027-02-19T08:00:00+01:00', '2027-02-19T07:00:00.000Z'],
  ])('%s leads to %s', (text, time) => {
    expect(readMove(text, start).toISOString()).toBe(time);
  });

  it.each(['', '90d', '-1d', '+1y', '+d', '+1.5d', '2027-02-30', 'tomorrow', '1700000000'])(
    '%p is refused',
    (text) => {
      expect(() => readMove(text, start)).toThrow(
        expect.objectContaining({ code: 'invalid_request' }),
      );
    },
  );
});
