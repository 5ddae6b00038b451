import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** A file that every page refers to. Its name holds its hash, so it may be cached for ever. */
export interface Asset {
  readonly path: string;
  readonly contentType: string;
  readonly body: Buffer;
}

function readAsset(name: string, extension: string, contentType: string): Asset {
  const body = readFileSync(new URL(`./assets/${name}.${extension}`, import.meta.url));
  const hash = createHash('sha256').update(body).digest('base64url').slice(0, 12);
  return { path: `/assets/${name}.${hash}.${extension}`, contentType, body };
}

export const stylesheet = readAsset('assent', 'css', 'text/css; charset=utf-8');
export const icon = readAsset('icon', 'svg', 'image/svg+xml');
/** Stands for a bank without a logo. */
export const bankIcon = readAsset('bank', 'svg', 'image/svg+xml');

/** Everything to serve below `/assets/`. */
export const assets: readonly Asset[] = [stylesheet, icon];
