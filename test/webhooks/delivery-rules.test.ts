import { createLanes } from '../../core/lanes.js';
import { afterAttempt, type Delivery, deliveryId } from '../../core/webhook-delivery.js';
import { assertClientMetadata } from '../../provider/profiles/assert-client-metadata.js';

const at = '2026-08-21T10:00:00.000Z';
const event = {
  id: 'e9c4d2d4-2fd8-4a3e-9d53-6a1a7f1b2c3d',
  type: 'deletedAccount',
  clientId: 'app',
  userId: '0123456789abcdef01234567',
  occurredAt: at,
  payload: {},
} as const;
const delivery: Delivery = {
  eventId: event.id,
  eventType: 'deletedAccount',
  clientId: 'app',
  userId: event.userId,
  occurredAt: at,
  url: 'https://app.example/hooks',
  state: 'pending',
  nextAttemptAt: at,
  tries: 0,
  attempts: [],
};

test.each([0, 0.5, 0.999])(
  'tries twelve times with growing pauses over about two days (%d)',
  (random) => {
    let current = delivery;
    const pauses: number[] = [];
    while (current.state === 'pending') {
      const now = current.nextAttemptAt ?? '';
      current = afterAttempt(current, { at: now, milliseconds: 5000, status: 503 }, random);
      if (current.nextAttemptAt) pauses.push(Date.parse(current.nextAttemptAt) - Date.parse(now));
    }
    expect(current).toMatchObject({ state: 'failed', tries: 12 });
    expect(pauses).toHaveLength(11);
    expect(pauses).toEqual(pauses.toSorted((a, b) => a - b));
    expect(pauses[0]).toBeLessThan(60_000);
    const days = pauses.reduce((sum, pause) => sum + pause, 0) / 86_400_000;
    expect(days).toBeGreaterThan(1.4);
    expect(days).toBeLessThan(2.3);
  },
);

test.each([
  [200, 'delivered'],
  [204, 'delivered'],
  [299, 'delivered'],
  [199, 'pending'],
  [301, 'pending'],
  [400, 'pending'],
  [404, 'pending'],
  [410, 'failed'],
  [429, 'pending'],
  [500, 'pending'],
])('after %d it is %s', (status, state) => {
  expect(afterAttempt(delivery, { at, milliseconds: 1, status }, 0).state).toBe(state);
});

test('the log of one delivery does not grow without end', () => {
  let current = delivery;
  for (let retry = 0; retry < 70; retry++) {
    current = afterAttempt({ ...current, tries: 0 }, { at, milliseconds: retry, status: 410 }, 0);
  }
  expect(current.attempts).toHaveLength(50);
  expect(current.attempts.at(-1)?.milliseconds).toBe(69);
});

test('a delivery has one id for its event and address, in the order of events', () => {
  const id = deliveryId(event, delivery.url);
  expect(deliveryId({ ...event }, delivery.url)).toBe(id);
  expect(deliveryId(event, 'https://app.example/other')).not.toBe(id);
  const later = { ...event, occurredAt: '2026-08-21T10:00:00.001Z' };
  expect(deliveryId(later, delivery.url) > id).toBe(true);
});

test('a full lane says when to come back, at the pace at which turns end', () => {
  const lanes = createLanes(2);
  const [first, second] = [lanes.enter('slow', 0), lanes.enter('slow', 0)];
  if ('comeBack' in first || 'comeBack' in second) throw new Error('no turn');
  expect(lanes.enter('other', 0)).not.toHaveProperty('comeBack');
  first.leave(5000);
  lanes.enter('slow', 5000);
  const due = [1, 2, 3].map(() => lanes.enter('slow', 5000));
  expect(due).toEqual([7500, 10_000, 12_500].map((time) => ({ comeBack: new Date(time) })));
});

const endpoint = { url: 'https://app.example/hooks', events: ['syncCompleted'] };

describe('webhooks in the metadata of a client', () => {
  const assert = (webhooks: unknown) =>
    assertClientMetadata({ profile: 'identity-service', webhooks });

  test.each([
    ['none', []],
    ['one', [{ ...endpoint, format: 'jwt' }]],
    ['one of another port', [{ ...endpoint, url: 'https://app.example:8443/@hooks?tenant=1' }]],
    ['ten', Array.from({ length: 10 }, (_, n) => ({ ...endpoint, url: `https://a.example/${n}` }))],
  ])('are accepted: %s', (_, webhooks) => {
    expect(() => assert(webhooks)).not.toThrow();
  });

  test.each([
    ['no list', endpoint],
    ['http', [{ ...endpoint, url: 'http://app.example/hooks' }]],
    ['no URL', [{ ...endpoint, url: 'app.example' }]],
    ['credentials', [{ ...endpoint, url: 'https://me:secret@app.example/' }]],
    ['a fragment', [{ ...endpoint, url: 'https://app.example/?a=b#here' }]],
    ['a very long URL', [{ ...endpoint, url: `https://app.example/${'x'.repeat(3000)}` }]],
    ['an unknown event', [{ ...endpoint, events: ['everything'] }]],
    ['no event', [{ ...endpoint, events: [] }]],
    ['an unknown format', [{ ...endpoint, format: 'xml' }]],
    ['an unknown member', [{ ...endpoint, secret: 'x' }]],
    ['an address twice', [endpoint, { ...endpoint, format: 'jwt' }]],
    [
      'eleven',
      Array.from({ length: 11 }, (_, n) => ({ ...endpoint, url: `https://a.example/${n}` })),
    ],
  ])('are refused: %s', (_, webhooks) => {
    expect(() => assert(webhooks)).toThrow(
      expect.objectContaining({
        error: 'invalid_client_metadata',
        error_description: expect.stringMatching(/^webhooks[\w.]* [^"]+$/),
      }),
    );
  });
});
