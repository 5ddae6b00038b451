import { assets, stylesheet } from '../../consent-ui/assets.js';
import { renderPage } from '../../consent-ui/render-page.js';
import { samplePages } from './sample-pages.js';

describe('the stylesheet', () => {
  it('has a path that changes with its content and that every page links', () => {
    expect(stylesheet.path).toMatch(/^\/assets\/assent\.[\w-]{12}\.css$/);
    for (const page of Object.values(samplePages())) {
      expect(renderPage(page)).toContain(`<link rel="stylesheet" href="${stylesheet.path}"`);
    }
  });

  it('refers to nothing outside itself', () => {
    expect(stylesheet.body.toString()).not.toMatch(/url\(|@import|http/);
  });

  it('follows the preferences of the reader', () => {
    const css = stylesheet.body.toString();
    for (const rule of ['prefers-color-scheme: dark', 'prefers-reduced-motion', ':focus-visible']) {
      expect(css).toContain(rule);
    }
  });
});

it('serves every file that a page refers to', () => {
  const paths = assets.map(({ path }) => path);
  for (const page of Object.values(samplePages())) {
    const referred = Array.from(
      renderPage(page).matchAll(/"(\/assets\/[^"]+)"/g),
      ([, path]) => path,
    );
    expect(paths).toEqual(expect.arrayContaining(referred));
  }
});
