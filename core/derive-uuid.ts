import { createHash } from 'node:crypto';

/**
 * A UUID that the same names always give: the first 128 bits of SHA-256, marked version 8 (RFC 9562
 * §5.8).
 */
export function deriveUuid(...names: readonly string[]): string {
  // As JSON, so that no two lists of names read the same.
  const bytes = createHash('sha256').update(JSON.stringify(names)).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
