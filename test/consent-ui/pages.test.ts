import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { VNode } from 'preact';
import { LogoutFramesPage } from '../../consent-ui/pages/logout-frames-page.js';
import { renderPage } from '../../consent-ui/render-page.js';
import { samplePages } from './sample-pages.js';

/** Markup, attribute breakouts, bidi controls, zero-width characters, lone surrogates, sheer length. */
const hostileTexts = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "' onmouseover='alert(1)",
  '</title></textarea></style><svg onload=alert(1)>',
  'javascript:alert(1)//',
  'Bank\u202Eknab\u202C \u2066isolate\u2069 \u200Fmark',
  'Pay\u200Bpal\u200D\uFEFF\u00AD\u2060\u{E0041}',
  '\uD800\u0000\u0007\u001B[31m',
  '&lt;b&gt;&#x3C;script&#x3E;',
  'x'.repeat(100_000),
];

const plain: [string, VNode][] = Object.entries(samplePages());
const hostile = hostileTexts.flatMap((text) => {
  const pages: Record<string, VNode> = samplePages((name) => `${name} ${text}`);
  return plain.map(([name, usual]) => ({
    name,
    text: JSON.stringify(text.slice(0, 24)),
    html: renderPage(pages[name] ?? usual),
    usual: renderPage(usual),
  }));
});

function matches(html: string, pattern: RegExp): string[] {
  return Array.from(html.matchAll(pattern), ([whole, first]) => first ?? whole);
}

/** Every element and attribute that may be on a page: the markup alone, with no text in it. */
function tags(html: string): string[] {
  return matches(html, /<([a-z!](?:"[^"]*"|[^">])*)>/g).map((tag) => tag.replace(/"[^"]*"/g, '""'));
}

it('looks at every page that there is', async () => {
  const files = await readdir(join(import.meta.dirname, '../../consent-ui/pages'));
  const pages = files.map((file) =>
    basename(file, '.tsx').replace(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase()),
  );
  const sampled = plain.map(([, { type }]) => (typeof type === 'string' ? type : type.name));
  expect(sampled).toEqual(expect.arrayContaining(pages));
});

describe.each(plain)('the page %s', (name, page) => {
  const html = renderPage(page);

  it('is a document in English with a title, landmarks and one h1', () => {
    expect(html).toMatch(/^<!doctype html><html lang="en-GB">/);
    expect(matches(html, /<title>([^<]+)<\/title>/g)).toHaveLength(1);
    for (const element of ['h1', 'main', 'header', 'footer']) {
      expect(matches(html, new RegExp(`<${element}[ >]`, 'g'))).toHaveLength(1);
    }
  });

  it('has nothing that a strict content security policy would block', () => {
    // The frames of applications stand on a page whose policy names them, and on no other.
    const own = name === 'logout-frames' ? html.replace(/<iframe [^>]*>/g, '') : html;
    for (const tag of tags(own)) {
      expect(tag).not.toMatch(/^(script|style|iframe)|\s(style|on\w+)=|http-equiv/);
    }
    for (const source of matches(own, / src="([^"]*)"/g)) expect(source).toMatch(/^\/[^/]/);
  });

  it('sends every changing form with its CSRF token first', () => {
    for (const form of matches(html, /<form method="post"[^>]*>(.{60})/g)) {
      expect(form).toMatch(/^<input type="hidden" name="(csrf|xsrf)" value="csrf-token"/);
    }
    expect(html).not.toMatch(/<form(?![^>]*method="(post|get)")/);
  });

  it('gives every input a label and resolves every reference inside the page', () => {
    const ids = matches(html, / id="([^"]+)"/g);
    expect(new Set(ids).size).toBe(ids.length);
    const references = [
      ...matches(html, / for="([^"]+)"/g),
      ...matches(html, / href="#([^"]+)"/g),
      ...matches(html, / aria-(?:describedby|labelledby)="([^"]+)"/g).flatMap((r) => r.split(' ')),
    ];
    expect(ids).toEqual(expect.arrayContaining(references));
    const unwrapped = html.replace(/<label class="choice">.*?<\/label>/g, '');
    for (const input of matches(unwrapped, /<input ([^>]*)>/g)) {
      const id = /\bid="([^"]+)"/.exec(input)?.[1];
      expect(input.includes('type="hidden"') || references.includes(id ?? '')).toBe(true);
    }
  });
});

describe.each(hostile)('the page $name with $text in every text', ({ name, html, usual }) => {
  it('has the same elements and attributes as with plain text', () => {
    expect(tags(html)).toEqual(tags(usual));
  });

  it('shows what came from outside', () => {
    expect(html).not.toBe(usual);
  });

  it('shows nothing invisible and stays short', () => {
    const shown = html.replace(/ value="[^"]*"/g, '').replaceAll('\n', '');
    expect(shown).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}]/u);
    const developerPage = name.startsWith('tpp-');
    if (!developerPage) expect(shown.length).toBeLessThan(20_000);
  });
});

it('a person who has signed out goes on to an app of their device too', () => {
  const html = renderPage(
    LogoutFramesPage({ bank: { name: 'Bank' }, addresses: [], next: 'com.example.app:/out' }),
  );
  expect(html).toContain('href="com.example.app:/out"');
});

describe('what a field is described by', () => {
  it.each([
    ['account-selection', '<fieldset', 'sees only the accounts that you tick'],
    ['bank-login-missing', '<input type="password"', 'Enter your password.'],
    ['bank-login-error', '<input type="text"', 'do not belong together'],
  ] as const)('on %s: %s', (name, element, described) => {
    const html = renderPage(samplePages()[name]);
    const tag = matches(html, new RegExp(`${element}[^>]*>`, 'g'))[0] ?? '';
    const ids = /aria-describedby="([^"]+)"/.exec(tag)?.[1]?.split(' ') ?? [];
    const notes = ids.map((id) => new RegExp(`<p [^>]*id="${id}">(.*?)</p>`).exec(html)?.[1]);
    expect(notes.join(' ')).toContain(described);
  });

  it('names no other field as wrong', () => {
    const html = renderPage(samplePages()['bank-login-missing']);
    expect(matches(html, /<input [^>]*aria-invalid="true"[^>]*>/g)).toEqual([
      expect.stringContaining('name="password"'),
    ]);
    expect(html).toContain('<a href="#password">Enter your password.</a>');
  });
});

describe('what a person reads before consent', () => {
  const pages = samplePages();
  const text = (page: VNode) =>
    renderPage(page)
      .replace(/<[^>]+>/g, ' ')
      .replace(/\s+/g, ' ');

  it('says who asks, what, since when, until when and how to stop', () => {
    const page = text(pages.consent);
    expect(page).toContain('Website checked by us: ledgerlight.example');
    expect(page).toContain('How much is in each account');
    expect(page).toContain('From 21 November 2025');
    expect(page).toContain('19 February 2027 at 09:30 UK time That is 90 days from now');
    expect(page).toContain('How to stop');
  });

  it.each([
    ...(['account-selection', 'authorization-details', 'approval', 'sign-on-consent'] as const),
    ...(['identity-for-a-day', 'identity-with-purpose', 'approval-identity'] as const),
  ])('%s names the page of the bank on which it is ended', (name) => {
    expect(text(pages[name])).toContain('here at the bank, on the page “Apps that see your data”');
  });

  it('says that one-time access ends after 24 hours', () => {
    expect(text(pages['consent-one-time'])).toContain('That is 24 hours from now');
  });

  it.each([
    ['consent-reconsent', '88 days later than agreed so far'],
    ['consent-reconsent-alike', 'nearly the same as agreed so far'],
    ['consent-reconsent-shorter', '30 days earlier than agreed so far'],
    [
      'consent-reconsent-shorter',
      'sharing ends earlier than you agreed before: on 19 February 2027 , which is 30 days before 21 March 2027',
    ],
    ['consent-reconsent-expired', 'Ended on 1 November 2026'],
    ['consent-refresh', 'you also agree that Ledgerlight sees your data until 19 February 2027'],
  ] as const)('says of %s until when, and what that changes: %s', (name, said) => {
    expect(text(pages[name])).toContain(said);
  });

  it('says of access without an end that there is none, and how to end it', () => {
    const page = text(pages['account-selection-open-ended']);
    expect(page).toContain('there is no end date here');
    expect(page).toContain('on the page “Apps that see your data”');
    expect(page).not.toMatch(/days from now/);
  });

  it.each(['consent-reconsent', 'consent-reconsent-alike'] as const)(
    'warns of nothing in %s, which takes nothing away',
    (name) => {
      expect(text(pages[name])).not.toContain('earlier');
    },
  );

  it('offers two ways to decide, as buttons of one form', () => {
    const decisions = matches(renderPage(pages.consent), /name="decision" value="(\w+)"/g);
    expect(decisions).toEqual(['allow', 'refuse']);
  });

  it('says of each detail when it ends: of one in the terms, of several in their cards', () => {
    expect(text(pages['authorization-details-one'])).toMatch(
      /The terms Until 19 February 2027 at 09:30 UK time How to stop/,
    );
    const several = text(pages['authorization-details']);
    expect(several).toMatch(/Transactions since .* Until 19 February 2027 at 09:30 UK time/);
    expect(several).toMatch(/Merchant A Until 22 November 2026 at 09:30 UK time/);
    expect(several).toContain('The terms How to stop');
    expect(several).not.toContain('unless');
  });

  it('says of each app what it sees, of which accounts', () => {
    const page = text(pages.access);
    expect(page).toMatch(/•••• 6821 It sees Your account details Your balances Your transactions/);
    expect(page).toMatch(/To make a payment Amount £123.50 To Merchant A Account Everyday/);
  });

  it.each(['authorization-details', 'account-selection'] as const)(
    '%s at a merge says what stays, and that ticking adds to it',
    (name) => {
      const page = text(pages[`${name}-merge`]);
      expect(page).toMatch(/What Ledgerlight has already This stays as it is\..* Account Everyday/);
      expect(page).toContain('Accounts to add');
      expect(page).not.toContain('sees only');
      expect(renderPage(pages[`${name}-merge`])).not.toContain('value="a"');
      const nothing = renderPage(pages[`${name}-merge-nothing`]);
      expect(nothing).not.toContain('type="checkbox"');
      expect(nothing).toContain('Leave it as it is');
    },
  );

  it.each(['authorization-details', 'account-selection'] as const)(
    '%s says what a new yes takes the place of',
    (name) => {
      const page = text(pages[`${name}-replace`]);
      expect(page).toMatch(/so far What you choose below takes the place of this/);
      expect(page).toContain('Agreed 23 August 2026 Until 19 February 2027');
    },
  );

  it('never shows a whole account number at the bank', () => {
    expect(text(pages['account-selection'])).not.toContain('31926819');
    expect(text(pages['account-selection'])).toContain('•••• 6819');
  });

  it('has no account selected beforehand', () => {
    expect(renderPage(pages['account-selection'])).not.toContain('checked');
  });

  it('starts the title with the error when a form comes back', () => {
    for (const page of [pages['bank-login-error'], pages['account-selection-error']]) {
      expect(renderPage(page)).toContain('<title>Error: ');
    }
  });
});
