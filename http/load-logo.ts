import type { LoadedLogo } from '../core/client-logo.js';
import { type GuardedFetch, OutgoingFailure, type OutgoingFailureReason } from './guarded-fetch.js';
import { rewritePng } from './rewrite-png.js';

/** What is wrong with the address or the file; the others may be over the next time. */
const lasting: readonly OutgoingFailureReason[] = ['invalid_url', 'too_large'];

/** Loads the logo at an address of a client and writes it anew. PNG alone: an SVG is a document. */
export function createLogoLoader(guardedFetch: GuardedFetch) {
  return async function loadLogo(uri: string): Promise<LoadedLogo> {
    try {
      const { status, body } = await guardedFetch(uri, { headers: { accept: 'image/png' } });
      if (status !== 200) {
        return { problem: `the server answered ${status}`, mayPass: status >= 500 };
      }
      const png = rewritePng(body);
      const problem = 'the answer was no whole PNG of at most 512 by 512 pixels';
      return png ? { png } : { problem, mayPass: false };
    } catch (error) {
      if (!(error instanceof OutgoingFailure)) throw error;
      return { problem: error.message, mayPass: !lasting.includes(error.reason) };
    }
  };
}
