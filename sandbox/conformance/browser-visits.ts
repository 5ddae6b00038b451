import type { BrowserCommand, BrowserTask, BrowserVisit, PlanDocument } from './plan-document.js';

/** Where a run's browser goes, and as whom. */
export interface VisitedPlaces {
  /** Of the bank, without a trailing slash. */
  readonly origin: string;
  /** Of the suite, for this run: `https://…/test/a/{alias}/`. */
  readonly suite: string;
  readonly login: string;
  readonly password: string;
  /** What is entered where the bank asks for a code. */
  readonly code?: string | undefined;
}

type Overrides = NonNullable<PlanDocument['override']>;

/** Seconds that the browser waits for something to be seen. */
const patience = 10;

const press = (selector: string): BrowserCommand => ['click', 'css', selector, 'optional'];

/** Shows the suite what a person sees, in the place of what a reviewer is asked to look at. */
const picture = (text: string, isRequired = false): BrowserCommand => [
  ...['wait', 'xpath', '//*', patience, text],
  isRequired ? 'update-image-placeholder' : 'update-image-placeholder-optional',
];

const problem = 'This link does not work';

/** What a person does at the bank, page by page; each is left out where the bank does not show it. */
function tasksOf(places: VisitedPlaces) {
  const { origin, suite, login, password, code } = places;
  const page = (task: string, commands: readonly BrowserCommand[], path: string): BrowserTask => ({
    ...{ task, match: path, optional: true, commands },
  });
  const step = (task: string, commands: readonly BrowserCommand[]) =>
    page(task, commands, `${origin}/interaction/*`);
  const credentials: readonly BrowserCommand[] = [
    ['text', 'name', 'login', login, 'optional'],
    ['text', 'name', 'password', password, 'optional'],
    press('form[action$="/login"] button'),
  ];
  return {
    signIn: step('Sign in', credentials),
    /** As above, with a picture for the reviewer before. */
    showSignIn: step('Show the page, and sign in', [picture('Sign in to'), ...credentials]),
    enterCode:
      code === undefined
        ? []
        : [
            step('Enter the code of the demo phone', [
              ['text', 'name', 'code', code, 'optional'],
              press('form[action$="/code"] button'),
            ]),
          ],
    chooseAccount: step('Choose an account, and agree', [
      press('input[type="checkbox"]:not(:checked)'),
      press('button[value="allow"]'),
    ]),
    allow: step('Allow', [press('button[value="allow"]')]),
    cancel: step('Cancel', [['click', 'css', 'form[action$="/cancel"] button']]),
    showProblem: page('Show the error page', [picture(problem)], `${origin}/oidc/auth*`),
    verify: page(
      'Verify complete',
      [['wait', 'id', 'submission_complete', patience]],
      `${suite}callback*`,
    ),
    showLoggedOut: page(
      'Show that the person is signed out',
      [picture('You are signed out')],
      `${origin}/oidc/session/end/success*`,
    ),
  };
}

/** Of a client that asks for account data. @param prefix what the names of its modules begin with. */
export function fapiVisits(
  places: VisitedPlaces,
  prefix: string,
): { readonly browser: readonly BrowserVisit[]; readonly override: Overrides } {
  const match = `${places.origin}/oidc/auth*`;
  const { signIn, enterCode, chooseAccount, cancel, showProblem, verify } = tasksOf(places);
  const agree: BrowserVisit = {
    match,
    tasks: [signIn, ...enterCode, chooseAccount, showProblem, verify],
  };
  const lookOnly: BrowserVisit = {
    comment: 'the first visit ends at the login page',
    match,
    'match-limit': 1,
    tasks: [
      {
        task: 'Show the login page',
        match: `${places.origin}/interaction/*`,
        commands: [picture('Sign in to')],
      },
    ],
  };
  return {
    browser: [agree],
    override: {
      [`${prefix}-user-rejects-authentication`]: {
        browser: [{ comment: 'the person cancels', match, tasks: [cancel, verify] }],
      },
      [`${prefix}-par-ensure-reused-request-uri-prior-to-auth-completion-succeeds`]: {
        browser: [lookOnly, agree],
      },
    },
  };
}

/** Of an application that people sign in to, and out of. */
export function openidVisits(places: VisitedPlaces): {
  readonly browser: readonly BrowserVisit[];
  readonly override: Overrides;
} {
  const { origin, suite } = places;
  const match = `${origin}/oidc/auth*`;
  const end = `${origin}/oidc/session/end*`;
  const { signIn, showSignIn, allow, showProblem, verify, showLoggedOut } = tasksOf(places);
  const enter: BrowserVisit = { match, tasks: [signIn, allow, showProblem, verify] };
  const show: BrowserVisit = { match, tasks: [showSignIn, allow, showProblem, verify] };
  const signOut: BrowserTask = {
    task: 'Sign out',
    match: end,
    commands: [press('button[value="yes"]')],
  };
  const leave: BrowserVisit = {
    match: end,
    tasks: [
      signOut,
      showLoggedOut,
      {
        task: 'Go back once the applications are told',
        match: `${origin}/oidc/session/end/confirm`,
        optional: true,
        commands: [
          press('a[href*="/post_logout_redirect"]'),
          ['wait', 'contains', '/post_logout_redirect', patience],
        ],
      },
      { task: 'Verify complete', match: `${suite}post_logout_redirect*`, optional: true },
    ],
  };
  const stay: BrowserVisit = {
    comment: 'an error page, which leads nowhere',
    match: end,
    tasks: [{ task: 'Show the error page', match: end, commands: [picture(problem, true)] }],
  };
  const question: BrowserVisit = {
    comment: 'the bank asks, and leads nowhere',
    match: end,
    tasks: [
      { task: 'Show the question', match: end, commands: [picture('Sign out of', true)] },
      signOut,
    ],
  };
  const logout = 'oidcc-rp-initiated-logout';
  const withLogin = (visit: BrowserVisit) => ({ browser: [enter, visit] });
  return {
    browser: [enter, leave],
    override: {
      ...Object.fromEntries(
        [
          ...['oidcc-prompt-login', 'oidcc-max-age-1'],
          ...['logo', 'policy', 'tos'].map((uri) => `oidcc-registration-${uri}-uri`),
        ].map((module) => [module, { browser: [show] }]),
      ),
      [`${logout}-bad-post-logout-redirect-uri`]: withLogin(stay),
      [`${logout}-query-added-to-post-logout-redirect-uri`]: withLogin(stay),
      [`${logout}-modified-id-token-hint`]: withLogin(stay),
      [`${logout}-bad-id-token-hint`]: withLogin(stay),
      [`${logout}-no-id-token-hint`]: withLogin(question),
    },
  };
}
