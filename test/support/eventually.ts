import { setTimeout as wait } from 'node:timers/promises';

/** Repeats a check until it passes, for as long as a busy machine may need; then fails as the check did. */
export async function eventually<Result>(check: () => Result | Promise<Result>): Promise<Result> {
  const end = performance.now() + 15_000;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > end) throw error;
      await wait(20);
    }
  }
}
