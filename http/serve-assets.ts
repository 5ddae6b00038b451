import type { Context, Middleware, Next } from 'koa';

/** A file served under a path that names its content, so that it may be cached for ever. */
export interface ServedAsset {
  readonly path: string;
  readonly contentType: string;
  readonly body: Buffer;
}

export function serveAssets(assets: readonly ServedAsset[]): Middleware {
  const byPath = new Map(assets.map((asset) => [asset.path, asset]));

  return async function serveAsset(ctx: Context, next: Next) {
    const asset = ctx.method === 'GET' ? byPath.get(ctx.path) : undefined;
    if (!asset) return next();
    ctx.set('cache-control', 'public, max-age=31536000, immutable');
    ctx.type = asset.contentType;
    ctx.body = asset.body;
    return undefined;
  };
}
