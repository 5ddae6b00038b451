import { crc32, deflateSync, inflateSync } from 'node:zlib';

const signature = Buffer.from('89504e470d0a1a0a', 'hex');
/** Pixels on a side: more than any page shows, and what is unpacked stays small. */
const largestSide = 512;

/** Samples of a pixel by colour type, with the depths that each may have (PNG §11.2.2). */
const colourTypes: Readonly<Record<number, { samples: number; depths: readonly number[] }>> = {
  0: { samples: 1, depths: [1, 2, 4, 8, 16] },
  2: { samples: 3, depths: [8, 16] },
  3: { samples: 1, depths: [1, 2, 4, 8] },
  4: { samples: 2, depths: [8, 16] },
  6: { samples: 4, depths: [8, 16] },
};

interface Chunk {
  readonly type: string;
  readonly data: Buffer;
}

/**
 * A PNG written anew from its pixels: what else was in the file, text and programs among it, is gone.
 * @returns undefined for what is no whole, plain PNG of at most 512 by 512 pixels.
 */
export function rewritePng(file: Buffer): Buffer | undefined {
  const chunks = readChunks(file);
  const header = chunks?.[0];
  if (!chunks || header?.type !== 'IHDR') return undefined;
  const unpacked = unpackedLength(header.data);
  if (unpacked === undefined) return undefined;
  const palette = chunks.find(({ type }) => type === 'PLTE');
  const transparency = chunks.find(({ type }) => type === 'tRNS');
  const colour = header.data[9] ?? 0;
  const isIndexed = colour === 3;
  if (isIndexed && !isPalette(palette)) return undefined;
  const packed = chunks.filter(({ type }) => type === 'IDAT').map(({ data }) => data);
  const pixels = unpack(Buffer.concat(packed), unpacked);
  if (!pixels) return undefined;
  return Buffer.concat([
    signature,
    writeChunk(header),
    ...(isIndexed && palette ? [writeChunk(palette)] : []),
    ...(transparency && isTransparency(transparency, colour, palette)
      ? [writeChunk(transparency)]
      : []),
    writeChunk({ type: 'IDAT', data: deflateSync(pixels) }),
    writeChunk({ type: 'IEND', data: Buffer.alloc(0) }),
  ]);
}

/** The chunks from the header to the end; undefined where one is not whole or its CRC is another. */
function readChunks(file: Buffer): readonly Chunk[] | undefined {
  if (!file.subarray(0, 8).equals(signature)) return undefined;
  const chunks: Chunk[] = [];
  for (let at = 8; at + 12 <= file.length; ) {
    const length = file.readUInt32BE(at);
    const end = at + 12 + length;
    if (end > file.length) return undefined;
    const type = file.toString('latin1', at + 4, at + 8);
    if (crc32(file.subarray(at + 4, end - 4)) !== file.readUInt32BE(end - 4)) return undefined;
    if (type === 'IEND') return chunks;
    chunks.push({ type, data: file.subarray(at + 8, end - 4) });
    at = end;
  }
  return undefined;
}

/** Bytes of all its lines, each with its filter; undefined for a header that is not allowed. */
function unpackedLength(header: Buffer): number | undefined {
  if (header.length !== 13) return undefined;
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  const [depth = 0, colour = 0, compression, filter, interlace] = header.subarray(8);
  const kind = colourTypes[colour];
  const isPlain = compression === 0 && filter === 0 && interlace === 0;
  if (!kind?.depths.includes(depth) || !isPlain) return undefined;
  if (width < 1 || height < 1 || width > largestSide || height > largestSide) return undefined;
  return height * (1 + Math.ceil((width * kind.samples * depth) / 8));
}

function isPalette(chunk: Chunk | undefined): boolean {
  const length = chunk?.data.length ?? 0;
  return length > 0 && length <= 768 && length % 3 === 0;
}

/** PNG §11.3.2.1: one colour, or how much shows of each of a palette; none beside an alpha channel. */
function isTransparency({ data }: Chunk, colour: number, palette: Chunk | undefined): boolean {
  if (colour === 0) return data.length === 2;
  if (colour === 2) return data.length === 6;
  return colour === 3 && data.length * 3 <= (palette?.data.length ?? 0);
}

function unpack(data: Buffer, length: number): Buffer | undefined {
  try {
    const pixels = inflateSync(data, { maxOutputLength: length });
    return pixels.length === length ? pixels : undefined;
  } catch {
    return undefined;
  }
}

function writeChunk({ type, data }: Chunk): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}
