import type { Response } from 'undici';

/** One page as a browser without JavaScript has it. */
export interface VisitedPage {
  readonly url: URL;
  readonly status: number;
  readonly headers: Response['headers'];
  readonly html: string;
}

/** The fields of a form, in order; a name may come again. */
type Fields = readonly (readonly [name: string, value: string])[];

interface Cookie {
  readonly name: string;
  readonly value: string;
  readonly path: string;
  readonly host: string;
}

interface VisitorOptions {
  /** Asks without following redirects. */
  readonly fetch: (url: string, init: object) => Promise<Response>;
  /** Where an address begins like this, the visitor stops before asking for it. */
  readonly stopAt: string;
  readonly jar?: Cookie[];
}

/**
 * A browser without JavaScript: follows redirects, sends forms, and keeps cookies by host and path, as
 * RFC 6265 has it (ports do not tell cookies apart). An attack needs to see and to change what a real
 * browser hides.
 */
export function createVisitor({ fetch, stopAt, jar = [] }: VisitorOptions) {
  /** Every answer on the way, redirects included. */
  const answers: VisitedPage[] = [];

  function keep({ hostname: host }: URL, lines: readonly string[]): void {
    for (const line of lines) {
      const [pair = '', ...attributes] = line.split(/;\s*/);
      const { name = '', value = '' } = /^(?<name>[^=]*)=(?<value>.*)$/.exec(pair)?.groups ?? {};
      const path = attributes.find((each) => /^path=/i.test(each))?.slice(5) ?? '/';
      const old = jar.findIndex((each) => each.name === name && each.path === path);
      if (old >= 0) jar.splice(old, 1);
      if (value !== '') jar.push({ name, value, path, host });
    }
  }

  /** One request, its redirect not followed. */
  async function ask(url: URL, init: RequestOptions = {}): Promise<VisitedPage> {
    const { headers, ...rest } = init;
    const cookie = jar
      .filter(({ host, path }) => host === url.hostname && isBelow(url.pathname, path))
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ');
    const response = await fetch(url.href, {
      ...rest,
      headers: { accept: 'text/html', cookie, ...headers },
    });
    keep(url, response.headers.getSetCookie());
    const { status, headers: answered } = response;
    const page = { url, status, headers: answered, html: await response.text() };
    answers.push(page);
    return page;
  }

  /** Goes to an address and on to where it leads. */
  async function go(to: string | URL, init: RequestOptions = {}): Promise<VisitedPage> {
    let page = await ask(new URL(to), init);
    for (let hops = 0; hops < 15; hops += 1) {
      const location = page.headers.get('location');
      if (location === null) return page;
      const next = new URL(location, page.url);
      if (next.href.startsWith(stopAt)) return { ...page, url: next, html: '' };
      page = await ask(next);
    }
    throw new Error(`too many redirects, the last to ${page.url}`);
  }

  return {
    /** Of this visitor: who has them, has the visit. */
    jar,
    answers,
    ask,
    go,
    /** Sends the page's form that goes to `action`, what it hides replaced by `fields` of that name. */
    submit(page: VisitedPage, action: string, fields: Fields = [], headers: Headers = {}) {
      const form = formOf(page, action);
      const given = new Set(fields.map(([name]) => name));
      const hidden = form.hidden.filter(([name]) => !given.has(name));
      const body = new URLSearchParams();
      for (const [name, value] of [...hidden, ...fields]) body.append(name, value);
      return go(new URL(form.action, page.url), {
        method: 'POST',
        body: body.toString(),
        headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      });
    },
    /** The same browser, stopping elsewhere. */
    stoppingAt: (address: string) => createVisitor({ fetch, stopAt: address, jar }),
  };
}

export type Visitor = ReturnType<typeof createVisitor>;

type Headers = Readonly<Record<string, string>>;

interface RequestOptions {
  readonly method?: string;
  readonly body?: string;
  readonly headers?: Headers;
}

/** The form of a page whose action ends like this, with its hidden fields. */
export function formOf({ html, url }: VisitedPage, action: string) {
  for (const [, attributes = '', content = ''] of html.matchAll(
    /<form([^>]*)>([\s\S]*?)<\/form>/g,
  )) {
    const target = /action="([^"]*)"/.exec(attributes)?.[1] ?? '';
    if (!target.endsWith(action)) continue;
    const found = content.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g);
    const hidden = [...found].map(([, name = '', value = '']) => [name, value] as const);
    return { action: target, hidden };
  }
  throw new Error(`no form to ${action} at ${url}: ${textOf(html)}`);
}

/** The values of the checkboxes of a page. */
export function checkboxesOf({ html }: VisitedPage): readonly string[] {
  const boxes = html.matchAll(/<input[^>]*type="checkbox"[^>]*value="([^"]*)"/g);
  return [...boxes].map(([, value = '']) => value);
}

/** What a page says. */
export function textOf(html: string): string {
  return html
    .replace(/<style[\s\S]*?<\/style>|<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
}

function isBelow(pathname: string, path: string): boolean {
  return pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`);
}
