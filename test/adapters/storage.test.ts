import { findMongoServer } from './support/find-mongo-server.js';
import { describeOidcAdapter } from './support/oidc-adapter-contract.js';
import { describeStorageContract } from './support/storage-contract.js';
import { describeStorageProperties } from './support/storage-properties.js';
import { mongoKind, removeTestDirectories, sqliteKind } from './support/test-database.js';

const server = await findMongoServer();

afterAll(async () => {
  if ('uri' in server) await server.stop();
  await removeTestDirectories();
});

const kinds = 'uri' in server ? [sqliteKind, mongoKind(server.uri)] : [sqliteKind];

describe.each(kinds)('storage on $name', (kind) => {
  describeStorageContract(kind);
  describeStorageProperties(kind);
  describeOidcAdapter(kind);
});

if ('missing' in server) {
  describe.skip(`storage on MongoDB (${server.missing})`, () => {
    test('keeps the storage contract', () => {});
  });
}
