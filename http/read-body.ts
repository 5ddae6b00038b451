import type { IncomingMessage } from 'node:http';

/**
 * A request's body, or undefined where it is longer than `maxBytes`. What comes after is still read,
 * and dropped: an answer to a sender who is still sending, and cannot hear yet, would be lost.
 */
export async function readBody(
  request: IncomingMessage,
  maxBytes: number,
): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    if (length <= maxBytes) chunks.push(chunk);
  }
  return length <= maxBytes ? Buffer.concat(chunks) : undefined;
}
