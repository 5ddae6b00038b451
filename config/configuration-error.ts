/**
 * The configuration cannot be used. The message lists every mistake, one to a line: where, what was
 * found, and what is allowed. It never carries a secret and has no `cause` that could.
 */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
  readonly mistakes: readonly string[];

  constructor(mistakes: readonly string[]) {
    const count = mistakes.length === 1 ? 'one mistake' : `${mistakes.length} mistakes`;
    super([`The configuration has ${count}:`, ...mistakes.map((line) => `- ${line}`)].join('\n'));
    this.mistakes = mistakes;
  }
}
