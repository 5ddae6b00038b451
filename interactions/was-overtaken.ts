import { Refusal } from '../core/refusal.js';
import { StorageConflict } from '../core/storage.js';

/** Whether another tab, or the client's withdrawal, was quicker; the next look tells what is left. */
export function wasOvertaken(error: unknown): boolean {
  const isLate = error instanceof Refusal && ['conflict', 'access_denied'].includes(error.code);
  return isLate || error instanceof StorageConflict;
}
