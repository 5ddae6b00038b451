import type { Choice } from '../../consent-ui/components/choice-list.js';
import { formatDateTime } from '../../consent-ui/format-date.js';
import { TppHomePage } from '../../consent-ui/pages/tpp-home-page.js';
import { defaultPermissions } from '../../core/permissions.js';
import { clientKinds } from '../sandbox-clients.js';
import { sandboxClientNames, type TppDocument } from '../tpp-document.js';
import { brand } from './brand.js';
import { holdsConnection } from './find-journey.js';
import type { Journey } from './journey.js';
import type { Session } from './session-store.js';

const clientDetails = {
  'identity-service': 'Client secret, request objects (signed, or pushed unsigned), bearer tokens',
  'identity-service-own-consent': 'Shows its own consent screens, so the hosted one is skipped',
  'fapi2-security': 'FAPI 2.0: signed assertions, tokens bound to a certificate (mTLS)',
  'fapi2-security-dpop': 'FAPI 2.0: signed assertions, tokens bound to a key (DPoP)',
};

const choosers: readonly Choice[] = [
  { value: 'id:all', label: 'Let the person choose among all banks', detail: 'id:all' },
  { value: 'id:api', label: 'Let the person choose among API banks', detail: 'id:api' },
  { value: 'id:legacy', label: 'Let the person choose among legacy banks', detail: 'id:legacy' },
  { value: 'id:test', label: 'Let the person choose among test banks', detail: 'id:test' },
];

interface HomePageProps {
  readonly tpp: TppDocument;
  readonly session: Session;
  /** The sandbox's time. */
  readonly now: Date;
}

/** What can be tried, with every choice that the sandbox offers. */
export function HomePage({ tpp, session, now }: HomePageProps) {
  return (
    <TppHomePage
      brand={brand}
      start={{ action: '/start', csrf: session.csrf }}
      clients={sandboxClientNames.map((name, index) => ({
        value: name,
        label: `${clientKinds[name].title} (${name})`,
        detail: clientDetails[name],
        checked: index === 0,
      }))}
      scopes={bankChoices(tpp).map((choice, index) => ({ ...choice, checked: index === 0 }))}
      permissions={defaultPermissions.map((code) => ({ value: code, label: code, checked: true }))}
      connections={[...session.journeys.values()]
        .filter((journey) => holdsConnection(session, journey))
        .map((journey) => ({
          href: `/journeys/${journey.id}/${journey.choice.access === 'ongoing' ? 'connections' : 'accounts'}`,
          title: `${bankOf(tpp, journey)}, ${journey.choice.access}`,
          detail: `Connected on ${formatDateTime(journey.startedAt)} by ${journey.choice.client}`,
        }))
        .reverse()}
      time={{ now, href: '/time' }}
      eventsHref="/events"
    />
  );
}

function bankOf({ institutions }: TppDocument, { choice, connected }: Journey): string {
  const bank = institutions.find(({ id }) => connected?.connectionId.startsWith(`${id}:`));
  return bank?.name ?? choice.bank;
}

/** Every value of the field `scope`: the choosers, and straight to each bank. */
export function bankChoices({ institutions }: TppDocument): readonly Choice[] {
  const banks = institutions.map(({ id, name, kind }) => ({
    value: `id:${id}`,
    label: `Straight to ${name}`,
    detail: `${kind}, id:${id}`,
  }));
  return [...choosers, ...banks];
}
