import type { ClientRules } from './client-rules.js';
import { type ClientRecord, signedAnswerMembers } from './clients.js';

/**
 * A client with the algorithms that its answers are signed with written down: what it names, else what
 * it has had, else today's default. So a change of the settings never changes what it receives; somebody
 * who moves it names another.
 */
export function keepAlgorithms(
  client: ClientRecord,
  before: ClientRecord | undefined,
  rules: Pick<ClientRules, 'effective'>,
): ClientRecord {
  const defaults = rules.effective(client);
  const kept = signedAnswerMembers.flatMap((member) => {
    const algorithm = client[member] ?? before?.[member] ?? defaults[member];
    return algorithm === undefined ? [] : [[member, algorithm] as const];
  });
  return { ...client, ...Object.fromEntries(kept) };
}
