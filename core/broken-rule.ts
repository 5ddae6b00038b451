/** A rule that a client's metadata breaks. It repeats no values: they may be secrets. */
export interface BrokenRule {
  /** The metadata member, with the place inside of it: `webhooks.0.url`. */
  readonly member: string;
  /** One sentence, in characters that an `error_description` may have (RFC 6749 §5.2). */
  readonly rule: string;
  /** Where the rule stands, such as `FAPI 2.0 SP §5.3.2.1-4`; absent for a rule of our own. */
  readonly clause?: string | undefined;
}

/** Metadata that breaks rules: all of them, so that nobody has to try again for each. */
export class BrokenRules extends Error {
  override readonly name = 'BrokenRules';
  readonly rules: readonly BrokenRule[];

  constructor(rules: readonly BrokenRule[]) {
    super(describeRules(rules));
    this.rules = rules;
  }
}

/** The rules in one line. */
export function describeRules(rules: readonly BrokenRule[]): string {
  return rules.map(({ member, rule }) => `${member} ${rule}`).join('; ');
}
