import { type DestinationStream, pino } from 'pino';
import type { Configuration } from './config/schema.js';
import type { Logger } from './core/logger.js';

/**
 * The log: JSON, one line an event, on standard output or `destination`. The field `cause` takes an
 * error; of it and its own causes only name, code, message and stack are written, because libraries
 * hang whole answers, tokens and claims on their errors; of what could not be parsed, nothing is quoted.
 */
export function createLogger(
  level: Configuration['log'],
  destination: DestinationStream = pino.destination({ sync: true }),
): Logger {
  return pino({ level, base: null, serializers: { cause: describeCause } }, destination);
}

/** Causes of causes are followed this far: an error can be its own. */
const deepest = 5;

function describeCause(error: unknown): unknown {
  return describe(error, 0);
}

function describe(cause: unknown, depth: number): unknown {
  if (!(cause instanceof Error)) return cause === undefined ? undefined : 'not an error';
  const { name } = cause;
  const { message, stack } = cause instanceof SyntaxError ? withoutQuotes(cause) : cause;
  return {
    name,
    ...('code' in cause && { code: cause.code }),
    message,
    stack,
    ...(cause.cause !== undefined &&
      depth < deepest && { cause: describe(cause.cause, depth + 1) }),
  };
}

/** The parser of JSON quotes what it read, which may be a secret. */
function withoutQuotes({ stack = '' }: SyntaxError) {
  return { message: 'not valid', stack: stack.slice(stack.search(/^ +at /m)) };
}
