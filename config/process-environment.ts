import type { Environment } from './environment-settings.js';

/** The variables this process was started with. The only place that reads them. */
export function processEnvironment(): Environment {
  return { ...process.env };
}
