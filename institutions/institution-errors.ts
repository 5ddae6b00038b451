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

const longestRetryAfter = 86_400;

/**
 * The bank takes no more requests for now (429).
 * @param retryAfter the answer's `Retry-After` (RFC 9110 §10.2.3): seconds or a date. A bank that names
 * more than a day is not taken at its word.
 * @param now milliseconds since the epoch.
 */
export function rateLimited(
  bankName: string,
  retryAfter: string | null,
  now: number,
): InstitutionError {
  const isSeconds = retryAfter !== null && /^\d{1,9}$/.test(retryAfter);
  const seconds = isSeconds ? Number(retryAfter) : (Date.parse(retryAfter ?? '') - now) / 1000;
  return new InstitutionError('rate_limited', `${bankName} takes no more requests for now.`, {
    cause: new Error('HTTP status 429'),
    ...(!Number.isNaN(seconds) && {
      retryAfter: Math.min(Math.max(1, Math.ceil(seconds)), longestRetryAfter),
    }),
  });
}
