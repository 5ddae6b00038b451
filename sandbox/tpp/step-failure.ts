import {
  AuthorizationResponseError,
  ClientError,
  ResponseBodyError,
  WWWAuthenticateChallengeError,
} from 'openid-client';
import type { Exchange } from '../../consent-ui/components/exchange-view.js';
import { Refusal } from '../../core/refusal.js';

/** A step did not work; what went over the wire until then is kept for the page. */
export class StepFailure extends Error {
  override readonly name = 'StepFailure';
  readonly exchanges: readonly Exchange[];

  constructor(exchanges: readonly Exchange[], cause: unknown) {
    super('A step of the journey failed', { cause });
    this.exchanges = exchanges;
  }
}

/** The API answered with an error of its own. */
export class ApiFailure extends Error {
  override readonly name = 'ApiFailure';
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** What came back, as the standards name it. */
export interface Failure {
  readonly error: string;
  readonly description?: string | undefined;
}

/** The failure behind an error; undefined where it is none of the application's steps. */
export function describeFailure(error: unknown): Failure | undefined {
  if (error instanceof StepFailure) return describeFailure(error.cause) ?? unexpected(error.cause);
  if (error instanceof Refusal || error instanceof ApiFailure) {
    return { error: error.code, description: error.message };
  }
  if (error instanceof AuthorizationResponseError || error instanceof ResponseBodyError) {
    return { error: error.error, description: error.error_description };
  }
  if (error instanceof WWWAuthenticateChallengeError) {
    const [challenge] = error.cause;
    return {
      error: challenge?.parameters.error ?? `HTTP status ${error.status}`,
      description: challenge?.parameters.error_description,
    };
  }
  if (error instanceof ClientError) {
    return { error: error.code ?? 'client_error', description: error.message };
  }
  return undefined;
}

function unexpected(cause: unknown): Failure {
  return { error: 'failed', description: cause instanceof Error ? cause.message : undefined };
}
