import type { ClientConfiguration } from '../../core/client-configuration.js';
import type { ClientPlan } from '../../core/client-plan.js';

type ConfigurationPlan = Awaited<ReturnType<ClientConfiguration['plan']>>;

const signs: Readonly<Partial<Record<ClientPlan['action'], string>>> = {
  created: '+',
  deleted: '-',
  unchanged: ' ',
};

/** A plan for a terminal: what changes, what is ended, and what is wrong, client by client. */
export function formatPlan({ clients, unchanged }: ConfigurationPlan): string {
  return [...clients.flatMap(formatClient), `${unchanged} unchanged`].join('\n');
}

function formatClient(plan: ClientPlan): readonly string[] {
  const { clientId, action, changes, brokenRules, ends } = plan;
  return [
    `${signs[action] ?? '~'} ${clientId}  ${action}`,
    ...(action === 'updated' ? changes.map(formatChange) : []),
    ...(ends
      ? [
          `    ends ${count(ends.grants)} grants and ${count(ends.connections)} connections: ${ends.because}`,
        ]
      : []),
    ...brokenRules.map(
      ({ member, rule, clause }) => `  ! ${member} ${rule}${clause ? ` (${clause})` : ''}`,
    ),
  ];
}

function formatChange({ member, ...sides }: ClientPlan['changes'][number]): string {
  return `    ${member}: ${show(sides.before)} → ${show(sides.after)}`;
}

function show(value: unknown): string {
  return value === undefined ? '(none)' : JSON.stringify(value);
}

function count({ total, isComplete }: { readonly total: number; readonly isComplete: boolean }) {
  return isComplete ? String(total) : `at least ${total}`;
}
