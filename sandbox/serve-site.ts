import { readFile } from 'node:fs/promises';
import type Router from '@koa/router';
import Koa, { type Middleware } from 'koa';
import { type Listener, listen } from '../http/listen.js';
import type { CertificateFiles } from './certificate-authority.js';

type Routes = ReturnType<Router['routes']> | ReturnType<Router['allowedMethods']>;

interface Site {
  /** The address to listen on: this machine's own, unless others are to reach it. */
  readonly host?: string | undefined;
  readonly port: number;
  readonly server: CertificateFiles;
  readonly middleware: readonly (Middleware | Routes)[];
  /** Runs each request, e.g. at another time; at once where it is absent. */
  readonly run?: (handle: () => void) => void;
  /** Whether errors are answered without a word in the log. */
  readonly silent?: boolean;
}

/** A site of the sandbox beside Assent. */
export interface RunningSite {
  stop(): Promise<void>;
}

/** How long requests in flight may take to finish when the sandbox stops. */
const graceSeconds = 5;

/** Serves a site over TLS. @throws the system's error, e.g. `EADDRINUSE`. */
export async function serveSite({
  host = '127.0.0.1',
  port,
  server,
  middleware,
  run = (handle) => handle(),
  silent = false,
}: Site): Promise<RunningSite> {
  const application = new Koa();
  application.silent = silent;
  for (const each of middleware) application.use(each);
  const [certificate, key] = await Promise.all([
    readFile(server.certificate, 'utf8'),
    readFile(server.key, 'utf8'),
  ]);
  const handle = application.callback();
  const listener: Listener = await listen({ host, port, certificate, key }, (request, response) =>
    run(() => void handle(request, response)),
  );
  return { stop: () => listener.close(graceSeconds) };
}
