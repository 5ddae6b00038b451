import type { ComponentChildren, VNode } from 'preact';
import { renderToString } from 'preact-render-to-string';
import { icon, stylesheet } from './assets.js';
import { Icon } from './components/icon.js';
import { LogoMark } from './components/logo-mark.js';
import { Name } from './components/name.js';
import { displayName } from './display-name.js';
import { formatTime } from './format-date.js';
import type { Brand } from './party.js';

/** How far a person is, and the moment until which the journey can be finished. */
export interface Journey {
  readonly step: number;
  readonly of: number;
  readonly finishBy?: Date | undefined;
}

export interface LayoutProps {
  /** The document's title, and the page's one `h1` unless `heading` says it with more than text. */
  readonly title: string;
  readonly heading?: ComponentChildren;
  /** What stands above the heading, such as logos. */
  readonly above?: ComponentChildren;
  /** The sentence below the heading. */
  readonly lead?: ComponentChildren;
  readonly brand?: Brand | undefined;
  readonly journey?: Journey | undefined;
  readonly width?: 'narrow' | 'wide';
  /** The page shows a form again with errors in it; the title says so first. */
  readonly invalid?: boolean;
  /** One line of trust at the foot of the page. */
  readonly trust?: string | undefined;
  readonly children: ComponentChildren;
}

/** A whole document as HTML, doctype included. */
export function renderPage(page: VNode): string {
  return `<!doctype html>${renderToString(page)}`;
}

/** The frame of every page: head, brand, progress, heading, content and foot. */
export function Layout({ brand = 'assent', width = 'narrow', ...page }: LayoutProps) {
  const owner = brand === 'assent' ? { name: 'Assent' } : brand;
  const accent = brand === 'assent' ? 'indigo' : (brand.accent ?? 'slate');
  const title = `${page.invalid ? 'Error: ' : ''}${page.title} – ${displayName(owner.name)}`;
  return (
    <html lang="en-GB">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="referrer" content="no-referrer" />
        <meta name="robots" content="noindex" />
        <meta name="format-detection" content="telephone=no" />
        <title>{title}</title>
        <link rel="icon" href={icon.path} type={icon.contentType} />
        <link rel="stylesheet" href={stylesheet.path} />
      </head>
      <body class={width} data-accent={accent} data-brand={brand === 'assent' ? 'assent' : 'other'}>
        <header class="masthead">
          <div class="column">
            {brand === 'assent' ? (
              <img class="brand-mark" src={icon.path} alt="" width="28" height="28" />
            ) : (
              <LogoMark of={owner} />
            )}
            <span class="brand-name">
              <Name of={owner.name} />
            </span>
          </div>
        </header>
        <main class="column stack">
          {page.journey ? <Progress {...page.journey} /> : null}
          <div class="opening">
            {page.above}
            <h1>{page.heading ?? page.title}</h1>
            {page.lead === undefined ? null : <p class="lead">{page.lead}</p>}
          </div>
          {page.children}
        </main>
        <footer class="column">
          <p>
            <Icon name="lock" />
            <span>{page.trust ?? defaultTrust(owner.name, brand === 'assent')}</span>
          </p>
        </footer>
      </body>
    </html>
  );
}

function defaultTrust(name: string, isAssent: boolean): string {
  return isAssent
    ? 'Assent connects apps to banks, only with your permission. We never ask for your bank password.'
    : `Only enter your password on ${displayName(name)}’s own pages. Check the address at the top of your browser.`;
}

function Progress({ step, of, finishBy }: Journey) {
  return (
    <div class="progress">
      <p>
        <span>
          Step {step} of {of}
        </span>
        {finishBy ? <span>Please finish by {formatTime(finishBy)}</span> : null}
      </p>
      <progress aria-hidden="true" value={step} max={of} />
    </div>
  );
}
