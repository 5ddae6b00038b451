/**
 * The port to a bank's second factor: a code that its customers get on something they have. The bank's
 * own systems make the code, send it and know it; how often it may be tried, we count.
 */
export interface SecondFactor {
  /**
   * Sends a new code to the customer's device.
   * @param purpose one sentence that is sent along: what the code will allow (PSD2 RTS art. 5).
   * @returns undefined where the customer has no such device.
   */
  send(customerId: string, purpose: string): Promise<SentCode | undefined>;
  /** Whether a code is the one that was sent under the reference, and not too long ago. */
  verify(reference: string, code: string): Promise<boolean>;
}

/** A code on its way. */
export interface SentCode {
  /** By which the bank knows it again; tells nobody the code. */
  readonly reference: string;
  /** As the customer knows the device: `your phone ending in 417`. */
  readonly device: string;
  /** What a simulated device shows: the message with its code. Never a real one's. */
  readonly simulatedMessage?: string | undefined;
}
