/**
 * A UUID that sorts by time (version 7, RFC 9562 §5.7).
 * @param bytes ten that make it unique: random, or derived from what it stands for.
 */
export function orderedUuid(at: Date, bytes: Uint8Array): string {
  const uuid = Buffer.alloc(16);
  uuid.writeUIntBE(at.getTime(), 0, 6);
  uuid.set(bytes.subarray(0, 10), 6);
  uuid.writeUInt8((uuid.readUInt8(6) & 0x0f) | 0x70, 6);
  uuid.writeUInt8((uuid.readUInt8(8) & 0x3f) | 0x80, 8);
  return uuid.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
