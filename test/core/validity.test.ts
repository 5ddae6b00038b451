import fc from 'fast-check';
import type { Connection } from '../../core/connection.js';
import type { Consent } from '../../core/consent.js';
import { reminderPeriod, validityOf } from '../../core/validity.js';

const day = 86_400_000;
const now = Date.parse('2026-06-01T12:00:00.000Z');

interface Situation {
  readonly kind: Connection['kind'];
  readonly error: Connection['error'];
  readonly tppConsent: boolean;
  /** Milliseconds from now. */
  readonly consentLeft: number;
  readonly bankLeft: number | undefined;
}

const lostErrors = ['credentials_error', 'mfa_required'] as const;
const passingErrors = [undefined, 'resync', 'sync_error', 'sync_partial'] as const;

/** Every moment, and above all those at which something changes. */
const left = fc.oneof(
  fc.integer({ min: -200 * day, max: 200 * day }),
  fc.constantFrom(-1, 0, 1, reminderPeriod - 1, reminderPeriod, reminderPeriod + 1),
);

const situations = fc.record<Situation>({
  kind: fc.constantFrom('api', 'test', 'legacy'),
  error: fc.constantFrom(...passingErrors, ...lostErrors),
  tppConsent: fc.boolean(),
  consentLeft: left,
  bankLeft: fc.option(left, { nil: undefined }),
});

const after = (time: number) => new Date(now + time).toISOString();

function read({ kind, error, tppConsent, consentLeft, bankLeft }: Situation, at = now) {
  const connection: Connection = {
    id: 'north-bank:1',
    clientId: 'app',
    userId: 'f'.repeat(24),
    institutionId: 'north-bank',
    institutionName: 'North Bank',
    kind,
    consentId: 'consent',
    status: error ? 'error' : 'ok',
    error,
    connectedOn: after(-day),
    accountIds: [],
    bankValidUntil: bankLeft === undefined ? undefined : after(bankLeft),
    authorization: {},
  };
  const consent: Consent = {
    id: 'consent',
    clientId: 'app',
    userId: connection.userId,
    connectionId: connection.id,
    institutionId: 'north-bank',
    access: 'ongoing',
    permissions: [],
    expiresAt: after(consentLeft),
    tppConsent,
    status: 'authorised',
    history: [],
  };
  return validityOf(connection, consent, at);
}

function check(property: (situation: Situation) => void) {
  fc.assert(fc.property(situations, property), { numRuns: 2000 });
}

const stateAfter = (time: number) =>
  time <= 0 ? 'expired' : time <= reminderPeriod ? 'expiring' : 'valid';

const isLost = ({ error }: Situation) => lostErrors.some((each) => each === error);

test('the consent clock is its end and nothing else', () =>
  check((situation) => {
    const { consent } = read(situation);
    expect(consent.validUntil).toBe(after(situation.consentLeft));
    expect(consent.state).toBe(stateAfter(situation.consentLeft));
  }));

test("the bank's clock is its end, unless the bank lost the person before", () =>
  check((situation) => {
    const { bankAuthentication } = read(situation);
    const { bankLeft } = situation;
    expect(bankAuthentication.validUntil).toBe(bankLeft === undefined ? null : after(bankLeft));
    const byItself = bankLeft === undefined ? 'valid' : stateAfter(bankLeft);
    expect(bankAuthentication.state).toBe(isLost(situation) ? 'lost' : byItself);
  }));

test('nothing is to be done exactly where both are valid', () =>
  check((situation) => {
    const { next, consent, bankAuthentication } = read(situation);
    for (const clock of [consent, bankAuthentication]) {
      expect(clock.next === 'none').toBe(clock.state === 'valid');
    }
    expect(next === 'none').toBe(consent.next === 'none' && bankAuthentication.next === 'none');
  }));

test('a visit to the bank renews the consent too, so it is the one step wherever it is needed', () =>
  check((situation) => {
    const { next, consent, bankAuthentication } = read(situation);
    expect(next).toBe(bankAuthentication.next === 'none' ? consent.next : bankAuthentication.next);
  }));

test('a step is only ever one that the connection takes', () =>
  check((situation) => {
    const { next, consent, bankAuthentication } = read(situation);
    const steps = [next, consent.next, bankAuthentication.next];
    // identity-service.md §4.4: never where the client set the end itself, never for legacy;
    // and only reauth brings back what is over at the bank.
    const isOverAtBank = ['expired', 'lost'].includes(bankAuthentication.state);
    if (!situation.tppConsent || situation.kind === 'legacy' || isOverAtBank) {
      expect(steps).not.toContain('reconsent');
    }
    expect(bankAuthentication.next).not.toBe('reconsent');
    // §4.6: what only asks for a code is not sent through a whole authentication.
    expect(steps.includes('refresh')).toBe(situation.error === 'mfa_required');
  }));

test('time only ever makes it worse', () =>
  check((situation) => {
    const order = ['valid', 'expiring', 'expired', 'lost'];
    const states = [0, day, 30 * day, 400 * day].map((time) => read(situation, now + time));
    for (const which of ['consent', 'bankAuthentication'] as const) {
      const ranks = states.map((validity) => order.indexOf(validity[which].state));
      expect(ranks).toEqual([...ranks].sort());
    }
  }));
