import { ProblemPage } from '../consent-ui/pages/problem-page.js';
import type { Brand } from '../consent-ui/party.js';
import { renderPage } from '../consent-ui/render-page.js';

/** A page for what cannot go back to the client: one sentence, and the trace id for support. */
export type RenderProblem = (problem: {
  readonly title: string;
  readonly sentence: string;
  readonly traceId: string;
}) => string;

/** @param brand whose pages these are. */
export function createProblemRenderer(brand: Brand): RenderProblem {
  return (problem) => renderPage(<ProblemPage {...problem} brand={brand} />);
}
