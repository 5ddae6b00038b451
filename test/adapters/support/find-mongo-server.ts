import { MongoMemoryServer } from 'mongodb-memory-server-core';

/** A server to test against, or why there is none. */
export type MongoServer =
  | { readonly uri: string; stop(): Promise<void> }
  | { readonly missing: string };

const startMilliseconds = 20_000;

/** The server `MONGODB_URI` names, else one that mongodb-memory-server-core finds or downloads. */
export async function findMongoServer(): Promise<MongoServer> {
  const uri = process.env.MONGODB_URI;
  if (uri) return { uri, stop: async () => {} };
  try {
    const server = await MongoMemoryServer.create({
      instance: { launchTimeout: startMilliseconds },
    });
    return {
      uri: server.getUri(),
      stop: async () => {
        await server.stop();
      },
    };
  } catch (error) {
    const [reason] = String(error instanceof Error ? error.message : error).split('\n');
    return { missing: `MONGODB_URI is not set and no mongod could be started: ${reason}` };
  }
}
