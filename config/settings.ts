import { z } from 'zod';
import { configurationSchema } from './schema.js';

/** One setting of the schema: a value that an operator can write. */
export interface Setting {
  /** Its place, such as `['storage', 'url']`; `*` stands for each entry of a list. */
  readonly path: readonly string[];
  /** The environment variable that sets it; undefined inside a list, which is set as a whole. */
  readonly variable: string | undefined;
  /** How many members of `path` lead to a choice between shapes, of which one may be written. */
  readonly choiceAt: number | undefined;
  readonly required: boolean;
  readonly schema: SettingSchema;
}

export type SettingSchema = z.core.JSONSchema.JSONSchema;

interface Place {
  readonly path: readonly string[];
  readonly choiceAt: number | undefined;
  readonly required: boolean;
}

/** Every setting, in the order of the schema. */
export function listSettings(): readonly Setting[] {
  const schema = z.toJSONSchema(configurationSchema, { io: 'input' });
  return settingsOf(schema, { path: [], choiceAt: undefined, required: true });
}

function settingsOf(schema: SettingSchema, place: Place): readonly Setting[] {
  const { path, choiceAt, required } = place;
  if (schema.properties !== undefined) {
    return Object.entries(schema.properties).flatMap(([name, member]) => {
      const here = [...path, name];
      const isRequired = required && (schema.required ?? []).includes(name);
      return typeof member === 'boolean'
        ? []
        : settingsOf(member, { path: here, choiceAt, required: isRequired });
    });
  }
  if (schema.anyOf !== undefined) {
    const choice = { path, choiceAt: path.length, required: false };
    return schema.anyOf.flatMap((option) =>
      typeof option === 'boolean' ? [] : settingsOf(withDefault(option, schema), choice),
    );
  }
  if (schema.oneOf !== undefined) {
    // Shapes told apart by a member of their own: each stands in the reference as it is.
    return schema.oneOf.flatMap((option) =>
      typeof option === 'boolean' ? [] : settingsOf(option, place),
    );
  }
  const variable = path.includes('*') ? undefined : variableOf(path);
  const itself = { path, variable, choiceAt, required, schema };
  return [itself, ...settingsOfEntries(schema, path)];
}

function settingsOfEntries(list: SettingSchema, path: readonly string[]): readonly Setting[] {
  const { items } = list;
  const isListOfObjects =
    typeof items === 'object' && !Array.isArray(items) && items.properties !== undefined;
  if (!isListOfObjects) return [];
  return settingsOf(items, { path: [...path, '*'], choiceAt: undefined, required: true });
}

/** A choice carries the default and the reason of its own; its shapes show them where they fit. */
function withDefault(option: SettingSchema, choice: SettingSchema): SettingSchema {
  const members = Object.entries(option.properties ?? {}).map(([name, member]) => {
    const value: unknown = isMembers(choice.default) ? choice.default[name] : undefined;
    const description = choice.description ?? '';
    return [
      name,
      typeof member === 'boolean'
        ? member
        : { ...member, description, ...(isJson(value) ? { default: value } : {}) },
    ] as const;
  });
  return { ...option, properties: Object.fromEntries(members) };
}

function isMembers(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isJson(value: unknown): value is string | number | boolean {
  return ['string', 'number', 'boolean'].includes(typeof value);
}

/** `['storage', 'masterKey', 'file']` is set by `ASSENT_STORAGE__MASTER_KEY__FILE`. */
function variableOf(path: readonly string[]): string {
  const words = path.map((name) => name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase());
  return `ASSENT_${words.join('__')}`;
}
