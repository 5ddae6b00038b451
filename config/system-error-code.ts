/** The code of a failed system call, e.g. `ENOENT`; the message is left out, it may name more. */
export function systemErrorCode(error: unknown): string {
  const hasCode = typeof error === 'object' && error !== null && 'code' in error;
  return hasCode ? String(error.code) : 'unknown error';
}
