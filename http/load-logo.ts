import type { GuardedFetch } from './guarded-fetch.js';
import { rewritePng } from './rewrite-png.js';

/**
 * Loads the logo at an address of a client and writes it anew. PNG alone: an SVG is a document.
 * @returns undefined where the answer is no PNG that can be shown.
 * @throws {OutgoingFailure} where there is no answer.
 */
export function createLogoLoader(guardedFetch: GuardedFetch) {
  return async function loadLogo(uri: string): Promise<Buffer | undefined> {
    const { status, body } = await guardedFetch(uri, { headers: { accept: 'image/png' } });
    return status === 200 ? rewritePng(body) : undefined;
  };
}
