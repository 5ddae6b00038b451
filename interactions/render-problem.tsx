import { ProblemPage } from '../consent-ui/pages/problem-page.js';
import { renderPage } from '../consent-ui/render-page.js';

/** A page for what cannot go back to the client: one sentence, and the trace id for support. */
export function renderProblem(problem: {
  readonly title: string;
  readonly sentence: string;
  readonly traceId: string;
}): string {
  return renderPage(<ProblemPage {...problem} />);
}
