import type { VNode } from 'preact';
import { ConsentPage } from '../../consent-ui/pages/consent-page.js';
import { InstitutionChooserPage } from '../../consent-ui/pages/institution-chooser-page.js';
import { ProblemPage } from '../../consent-ui/pages/problem-page.js';
import { defaultPermissions, describePermissions } from '../../core/permissions.js';

/** The text that stands for every name and free text from outside; hostile in the tests. */
export type Wording = (text: string) => string;

const now = new Date('2026-11-21T09:30:00Z');
const post = { action: '/interaction/k3y/step', csrf: 'csrf-token' };
const cancel = { action: '/interaction/k3y/cancel', csrf: 'csrf-token' };

/** Every page with representative props, by file name. */
export function samplePages(word: Wording = (text) => text): Record<string, VNode> {
  const client = { name: word('Ledgerlight'), host: word('ledgerlight.example') };
  const bank = { name: word('Northbank') };
  const access = {
    kind: 'ongoing' as const,
    transactionFrom: new Date('2025-11-21T00:00:00Z'),
    expiresAt: new Date('2027-02-19T09:30:00Z'),
    now,
  };
  const clusters = describePermissions(defaultPermissions).map(({ title, detail }) => ({
    title: word(title),
    detail: detail.map(word),
  }));
  const finishBy = new Date('2026-11-21T10:30:00Z');
  const chooser = {
    ...post,
    client,
    searchAction: '/interaction/k3y',
    cancel,
    journey: { step: 1, of: 3, finishBy },
  };
  return {
    'institution-chooser': (
      <InstitutionChooserPage
        {...chooser}
        institutions={[
          { id: 'northbank', name: bank.name, tag: word('Test') },
          { id: 'harbour', name: word('Harbour Building Society'), tag: word('Test') },
          { id: 'meridian', name: word('Meridian Bank') },
          { id: 'oak', name: word('Oak & Co'), tag: word('Older login') },
        ]}
        total={212}
      />
    ),
    'institution-chooser-empty': (
      <InstitutionChooserPage {...chooser} query={word('nrthbnk')} institutions={[]} total={0} />
    ),
    consent: (
      <ConsentPage
        {...post}
        {...access}
        client={client}
        institution={bank}
        clusters={clusters}
        journey={{ step: 2, of: 3, finishBy }}
      />
    ),
    'consent-one-time': (
      <ConsentPage
        {...post}
        client={client}
        institution={bank}
        clusters={clusters}
        kind="one-time"
        now={now}
        expiresAt={new Date('2026-11-22T09:30:00Z')}
        resumeNote={word('you came back to where you left off. Nothing has been shared so far.')}
      />
    ),
    'bank-unreachable': (
      <ProblemPage
        title={word('We could not reach Northbank')}
        sentence={word('Northbank did not answer in time. Nothing has been shared.')}
        traceId={word('93bac548-d2de-4546-b106-880a5018460d')}
        retry={post}
        back={{ ...cancel, label: word('Go back to Ledgerlight') }}
      />
    ),
    problem: (
      <ProblemPage
        title={word('This page has expired')}
        sentence={word('Please start again in the app that sent you here.')}
        back={{ href: 'https://ledgerlight.example/', label: word('Go back to Ledgerlight') }}
      />
    ),
  };
}
