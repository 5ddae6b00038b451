/** What is logged goes through here: structured, one line, never a secret. Implemented by pino. */
export interface Logger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
