import { z } from 'zod';
import { InstitutionError } from '../core/institution.js';

/** The bank's answer is not what was agreed. */
export function invalidAnswer(bankName: string, cause: unknown): InstitutionError {
  return new InstitutionError(
    'invalid_answer',
    `${bankName} sent an answer that could not be understood.`,
    { cause },
  );
}

const invalidAnswerCodes = ['UND_ERR_RES_EXCEEDED_MAX_SIZE', 'UND_ERR_HEADERS_OVERFLOW'];

/** Errors of undici and of the system, and the `DOMException` of a signal. */
const failure = z
  .object({ name: z.string().catch(''), code: z.string().catch('') })
  .catch({ name: '', code: '' });

/** What became of a request that got no answer, or none that is HTTP. */
export function toTransportError(bankName: string, cause: unknown): InstitutionError {
  const { name, code } = failure.parse(cause);
  if (name === 'HTTPParserError' || invalidAnswerCodes.includes(code)) {
    // The parser's error quotes the answer, which may hold personal data.
    return invalidAnswer(bankName, new Error(`${name} ${code}`.trim()));
  }
  const reason = name === 'TimeoutError' ? 'did not answer in time' : 'could not be reached';
  return new InstitutionError('unavailable', `${bankName} ${reason}.`, { cause });
}
