import { setTimeout as wait } from 'node:timers/promises';

/** Repeats a check until it passes, for a few seconds at most; then fails as the check did. */
export async function eventually<Result>(check: () => Result | Promise<Result>): Promise<Result> {
  const end = performance.now() + 4000;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > end) throw error;
      await wait(20);
    }
  }
}
