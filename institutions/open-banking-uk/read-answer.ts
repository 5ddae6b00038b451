import type { z } from 'zod';
import { invalidAnswer } from '../institution-errors.js';

/**
 * The JSON of an answer, as the schema has it.
 * @throws {InstitutionError} `invalid_answer`; its cause names the members at fault, not their values.
 */
export async function readAnswer<Schema extends z.ZodType>(
  bankName: string,
  response: Response,
  schema: Schema,
): Promise<z.output<Schema>> {
  const text = await response.text();
  const parsed = schema.safeParse(parseJson(bankName, text));
  if (!parsed.success) throw invalidAnswer(bankName, parsed.error);
  return parsed.data;
}

function parseJson(bankName: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message quotes the text, which may hold personal data.
    throw invalidAnswer(bankName, new Error('the body is not JSON'));
  }
}
