import {
  type AnswerOutcome,
  type InstitutionConnector,
  InstitutionError,
  type VisitOutcome,
} from '../../core/institution.js';
import { invalidAnswer } from '../institution-errors.js';
import { type Browser, type BrowserOptions, createBrowsers } from './browser.js';
import { createLegacySession } from './create-legacy-session.js';
import {
  type Attempt,
  type Authorization,
  authorizationLost,
  codeFields,
  loginFields,
  readAttempt,
  readAuthorization,
  readCookies,
} from './credentials.js';
import type { Page } from './read-page.js';

export type SimulatedLegacyConnectorDeps = BrowserOptions;

type Login = Pick<Authorization, 'userName' | 'password'>;
type Asked = Extract<AnswerOutcome, { outcome: 'asked' }>;

/** Wrong answers in one visit, of either kind, before it is over. */
const wrongAnswersAllowed = 4;

/**
 * A bank without an API (screen scraping), for sandboxes and tests only: the person's user name and
 * password are typed on our page, kept sealed, and typed into the bank's own pages by this connector.
 */
export function createSimulatedLegacyConnector(
  deps: SimulatedLegacyConnectorDeps,
): InstitutionConnector {
  const { bankName, url, clock } = deps;
  const browse = createBrowsers(deps);

  function askForLogin(wrong: number, problem?: string): Asked {
    const attempt: Attempt = { stage: 'login', wrong, cookies: {} };
    return { outcome: 'asked', ask: loginFields(), attempt, problem };
  }

  function askForCode(login: Login, browser: Browser, wrong: number, problem?: string): Asked {
    const attempt: Attempt = { stage: 'code', wrong, ...login, cookies: browser.cookies };
    return { outcome: 'asked', ask: codeFields(bankName, url), attempt, problem };
  }

  function signIn(browser: Browser, { userName, password }: Login): Promise<Page> {
    return browser.open('/sign-in', { user_name: userName, password });
  }

  /** The person is in. Their name comes from the bank, not from what was typed. */
  function authorise(page: Page, login: Login, browser: Browser): VisitOutcome {
    const subject = page.texts.customer?.trim();
    if (!subject) throw invalidAnswer(bankName, new Error('does not say who is signed in'));
    return {
      outcome: 'authorised',
      authorization: { ...login, cookies: browser.cookies },
      subject,
    };
  }

  /** What the page means that the bank showed after an answer. */
  function readOutcome(
    page: Page,
    login: Login,
    browser: Browser,
    { stage, wrong }: Pick<Attempt, 'stage' | 'wrong'>,
  ): AnswerOutcome {
    if (page.name === 'accounts') return authorise(page, login, browser);
    if (page.name === 'notice') {
      return { outcome: 'refused', reason: `${bankName} does not show these accounts online.` };
    }
    if (page.name === 'code' && stage === 'login') return askForCode(login, browser, wrong);
    if (page.name !== 'sign-in' && page.name !== 'code') {
      throw invalidAnswer(bankName, new Error('an unknown page'));
    }
    if (wrong >= wrongAnswersAllowed) {
      return { outcome: 'refused', reason: `${bankName} was not given the right answers.` };
    }
    if (page.name === 'code') {
      const problem = `${bankName} did not take that code. Check it and try again.`;
      return askForCode(login, browser, wrong + 1, problem);
    }
    const problem =
      stage === 'login'
        ? `${bankName} did not take that user name and password. Check both and try again.`
        : 'That took too long, or too many codes were wrong. Please start again.';
    return askForLogin(wrong + 1, problem);
  }

  return {
    async begin({ renews }) {
      if (renews?.by !== 'refresh') return askForLogin(0);
      const { cookies, ...login } = readAuthorization(renews.authorization, bankName);
      const browser = browse(cookies);
      const page = await signIn(browser, login);
      if (page.name === 'code') return askForCode(login, browser, 0);
      if (page.name === 'sign-in') {
        const hint = `${bankName} no longer takes the password that we keep.`;
        return { ask: loginFields(hint), attempt: { stage: 'login', wrong: 0, cookies: {} } };
      }
      const attempt: Attempt = { stage: 'in', wrong: 0, ...login, cookies: browser.cookies };
      return { ask: [], attempt };
    },

    async complete() {
      throw new InstitutionError('invalid_callback', `${bankName} sends nobody back to us.`);
    },

    async answer({ attempt: state, answers }) {
      const attempt = readAttempt(state, bankName);
      const browser = browse(attempt.cookies);
      if (attempt.stage !== 'login') {
        const login = { userName: attempt.userName, password: attempt.password };
        if (attempt.stage === 'in') {
          return readOutcome(await browser.open('/accounts'), login, browser, attempt);
        }
        const code = answers.code?.replace(/\s/g, '');
        if (!code) return askForCode(login, browser, attempt.wrong, 'Enter the code.');
        return readOutcome(await browser.open('/code', { code }), login, browser, attempt);
      }
      const { user_name: userName = '', password = '' } = answers;
      if (!userName.trim() || !password) {
        return askForLogin(attempt.wrong, 'Enter your user name and your password.');
      }
      const login = { userName: userName.trim(), password };
      return readOutcome(await signIn(browser, login), login, browser, attempt);
    },

    async open(state) {
      const { cookies, ...login } = readAuthorization(state, bankName);
      const browser = browse(cookies);
      let page = await browser.open('/accounts');
      if (page.name === 'sign-in' || page.name === 'code') page = await signIn(browser, login);
      if (page.name === 'sign-in') throw authorizationLost(bankName);
      if (page.name === 'code') {
        throw new InstitutionError('input_required', `${bankName} asks for a code.`);
      }
      return createLegacySession({
        bankName,
        browser,
        authorization: { ...login, cookies },
        clock,
      });
    },

    async revoke(state) {
      // There is no consent at the bank to withdraw: it is asked to forget the browser.
      await browse(readCookies(state)).open('/sign-out', {});
    },
  };
}
