import { crc32, deflateSync } from 'node:zlib';

/**
 * A square PNG with text beside its pixels and bytes behind its end.
 * @param pixels each line a filter byte and RGBA, or what the colour type has.
 * @param more chunks before the pixels.
 */
export function makePng(
  side = 2,
  pixels = Buffer.alloc(side * (1 + side * 4), 1),
  more: readonly (readonly [type: string, data: Buffer])[] = [],
  colourType = 6,
): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  header.set([8, colourType, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', header),
    chunk('tEXt', Buffer.from('comment\0<script>alert(1)</script>')),
    ...more.map(([type, data]) => chunk(type, data)),
    chunk('IDAT', deflateSync(pixels)),
    chunk('IEND', Buffer.alloc(0)),
    Buffer.from('<?php trailing ?>'),
  ]);
}

/** A square PNG of one colour. */
export function makeTile(side: number, rgba: readonly [number, number, number, number]): Buffer {
  const line = Buffer.from([0, ...Array.from({ length: side }, () => rgba).flat()]);
  return makePng(side, Buffer.concat(Array.from({ length: side }, () => line)));
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}
