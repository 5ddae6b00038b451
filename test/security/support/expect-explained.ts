import { expect } from '@jest/globals';
import { type Explanation, explanations } from '../../../core/explanation.js';
import { eventually } from '../../support/eventually.js';
import type { RunningAssent } from '../../support/start-assent.js';

/** Expects that a refusal was written down under the trace id of its answer, as operators read it. */
export async function expectExplained(
  { storage }: Pick<RunningAssent, 'storage'>,
  { headers }: { readonly headers: Pick<Headers, 'get'> },
  expected: Partial<Explanation>,
): Promise<void> {
  const equals = headers.get('x-fapi-interaction-id') ?? 'none';
  await eventually(async () => {
    const { records } = await storage.find(explanations, { index: 'trace', equals, limit: 10 });
    expect(records.map(({ value }) => value)).toContainEqual(
      expect.objectContaining({ ...expected, rules: expect.any(Array) }),
    );
  });
}
