import type { TppNext } from '../../consent-ui/pages/tpp-step-page.js';
import type { TppDocument } from '../tpp-document.js';
import type { ConnectedJourney } from './read-data.js';

const labels = {
  reconsent: 'Keep sharing for longer (reconsent)',
  reauth: 'Sign in at the bank again (reauth)',
  refresh: 'Update with the person’s help (refresh)',
  extend: 'Extend by our own screen (PATCH)',
  'auth-request': 'Sign in at the bank by an auth request',
} as const;

type Means = keyof typeof labels;

/** What a connection can be renewed by, as forms. */
export function renewalActions(
  tpp: TppDocument,
  journey: ConnectedJourney,
  csrf: string,
): readonly TppNext[] {
  return meansOf(tpp, journey).map((means) => ({
    action: `/journeys/${journey.id}/${means}`,
    csrf,
    label: labels[means],
  }));
}

/** One-time access by nothing; a bank without an API is refreshed; own screens do without ours. */
function meansOf(tpp: TppDocument, { choice, connected }: ConnectedJourney): readonly Means[] {
  if (choice.access === 'one-time') return [];
  const bank = tpp.institutions.find(({ id }) => connected.connectionId.startsWith(`${id}:`));
  if (bank?.kind === 'legacy') return ['refresh', 'reauth'];
  return choice.client === 'identity-service-own-consent'
    ? ['reconsent', 'extend', 'reauth', 'auth-request']
    : ['reconsent', 'reauth'];
}
