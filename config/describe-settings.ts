import { listSettings, type Setting, type SettingSchema } from './settings.js';

/** The reference of every setting, in Markdown; `docs/configuration.md` is this text. */
export function describeSettings(): string {
  const settings = listSettings();
  return `${introduction}
${table(settings.filter((setting) => setting.variable !== undefined))}

## Each of \`institutions\`

${table(settings.filter((setting) => setting.path[0] === 'institutions' && setting.path.length > 1))}

## Each of \`resources\`

${table(settings.filter((setting) => setting.path[0] === 'resources' && setting.path.length > 1))}

## Each of \`registration.directories\`

${table(settings.filter(({ path }) => path[1] === 'directories' && path.length > 2))}

## Each of \`clients\`

Client metadata of RFC 7591, RFC 8705 and RFC 9449 under their standard names, and \`profile\` (\`fapi2-security\` by default, see [profiles](profiles.md)), \`ecosystem\` and \`own_consent_screens\` (whether the client shows its own approved consent screens, so that the hosted one is skipped), and \`webhooks\`: at most 10 endpoints, each with \`url\` (https), \`events\` and \`format\` (\`json\`, the default, or \`jwt\`).

${table(settings.filter((setting) => setting.path[0] === 'clients' && setting.path.length > 1))}
`;
}

const introduction = `# Configuration

<!-- Generated from config/schema.ts by \`npm run docs\`. -->

Settings come from a JSON file (\`npm run serve -- --config FILE\`) and from environment variables, which win. The name of a variable is \`ASSENT_\` and the path in upper case, joined by two underscores; numbers and lists are written as JSON. Relative paths start at the directory of the file, or at the working directory where there is none.

A wrong value stops the start with a list of every mistake: where, what was found, what is allowed. Secrets are never repeated. With \`NODE_ENV=production\`, addresses of the own machine are refused.
`;

function table(settings: readonly Setting[]): string {
  const rows = settings.map(({ path, variable, required, schema }) => {
    const inside = path.slice(path.indexOf('*') + 1).join('.');
    const names = variable === undefined ? `\`${inside}\`` : `\`${inside}\`<br>\`${variable}\``;
    const cells = [names, describeType(schema), describeDefault(schema, required)];
    return [...cells, schema.description ?? ''].map(escapeCell);
  });
  const heading = ['Setting', 'Allowed', 'Default', 'Why'];
  const widths = heading.map((_, column) =>
    Math.max(...[heading, ...rows].map((cells) => cells[column]?.length ?? 0)),
  );
  const rule = widths.map((width) => '-'.repeat(width));
  // Padded as the formatter would, which holds every file of the repository to one form.
  return [heading, rule, ...rows]
    .map((cells) => `| ${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`)
    .join('\n');
}

function describeType(schema: SettingSchema): string {
  if (schema.const !== undefined) return `\`${schema.const}\``;
  if (schema.enum) return schema.enum.map((value) => `\`${value}\``).join(', ');
  if (schema.type === 'array') return 'a list';
  if (schema.type === 'object') return 'an object';
  if (schema.type === 'boolean') return '`true`, `false`';
  if (schema.type !== 'integer') return 'a text';
  const { minimum, maximum } = schema;
  return minimum === undefined ? 'a whole number above 0' : `${minimum} to ${maximum}`;
}

function describeDefault(schema: SettingSchema, required: boolean): string {
  if (schema.default !== undefined) return `\`${JSON.stringify(schema.default)}\``;
  return required ? '**required**' : '';
}

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|');
}
