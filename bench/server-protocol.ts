import { z } from 'zod';

/** What of the provider's own models the load needs to find stored. */
const seedKind = z.enum(['AuthorizationCode', 'RefreshToken']);
const stock = z.object({ clients: z.number(), grants: z.number() });

/** What the bench asks a server, over the channel between the processes and never over HTTP. */
export const question = z.discriminatedUnion('ask', [
  z.object({ ask: z.literal('seed'), kind: seedKind, count: z.number() }),
  z.object({ ask: z.literal('fill'), stock }),
  z.object({ ask: z.literal('usage') }),
  z.object({ ask: z.literal('stop') }),
]);
export type Question = z.infer<typeof question>;

/** Where a server is, once it is up. */
export const place = z.object({
  /** What assertions name as audience. */
  issuer: z.string(),
  /** Endpoints by the name that discovery gives them, on the listener for client certificates. */
  token: z.string(),
  pushedAuthorizationRequest: z.string(),
});
export type Place = z.infer<typeof place>;

export const seeds = z.array(z.string());
export const usage = z.object({
  storageCalls: z.record(z.string(), z.number()),
  cpuMilliseconds: z.number(),
  /** Of the thread that runs the server, which is the one that limits it. */
  mainThreadMilliseconds: z.number(),
  residentBytes: z.number(),
});
/** What a server's process has used since its start. */
export type Usage = z.infer<typeof usage>;

/** What every message of a server is. */
export const reply = z.object({ answer: z.unknown().optional(), failure: z.string().optional() });

export type SeedKind = z.infer<typeof seedKind>;
/** What is stored in a server besides what the load needs. */
export type Stock = z.infer<typeof stock>;

/** A server under load, in its own process. */
export interface BenchServer {
  readonly place: Place;
  /** Codes or refresh tokens of the bench's client, each with a grant of its own. */
  seed(kind: SeedKind, count: number): Promise<readonly string[]>;
  /** Stores clients `client-0`… that are like the bench's client, and grants of theirs. */
  fill(stock: Stock): Promise<void>;
  stop(): Promise<void>;
}
