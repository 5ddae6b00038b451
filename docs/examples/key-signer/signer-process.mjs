// A stand-in for a KMS or HSM, to try `signing.external` with: a process of its own that makes keys,
// keeps them in a folder and signs with them, for whoever may open its socket. No private key leaves it.
//
//   node docs/examples/key-signer/signer-process.mjs SOCKET FOLDER
import {
  constants,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  randomUUID,
  sign,
} from 'node:crypto';
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { buffer, json } from 'node:stream/consumers';
import { promisify } from 'node:util';

const [socket, folder] = process.argv.slice(2);
if (!socket || !folder) throw new Error('Usage: signer-process.mjs SOCKET FOLDER');

const generate = promisify(generateKeyPair);
const rsa = { kind: 'rsa', options: { modulusLength: 2048 } };
const algorithms = {
  // JWS wants R and S as they are (RFC 7518 §3.4), not the ASN.1 that signers like to give.
  ES256: { kind: 'ec', options: { namedCurve: 'P-256' }, signing: { dsaEncoding: 'ieee-p1363' } },
  PS256: { ...rsa, signing: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 } },
  RS256: { ...rsa, signing: { padding: constants.RSA_PKCS1_PADDING } },
};

const fileOf = (id) => join(folder, `${id}.pem`);

async function createKey(algorithm) {
  const { kind, options } = algorithms[algorithm];
  const { privateKey } = await generate(kind, options);
  const id = `${algorithm}-${randomUUID()}`;
  await writeFile(fileOf(id), privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  return { id, publicJwk: createPublicKey(privateKey).export({ format: 'jwk' }) };
}

async function signData(id, data) {
  const key = createPrivateKey(await readFile(fileOf(id)));
  return sign('sha256', data, { key, ...algorithms[id.split('-')[0]].signing });
}

async function answer(request, response) {
  const [, , id, what] = new URL(request.url, 'http://signer').pathname.split('/');
  if (id !== undefined && !/^[A-Z]{2}256-[0-9a-f-]{36}$/.test(id)) {
    response.writeHead(404).end();
  } else if (request.method === 'POST' && id === undefined) {
    response.end(JSON.stringify(await createKey((await json(request)).algorithm)));
  } else if (request.method === 'POST' && what === 'signatures') {
    response.end(await signData(id, await buffer(request)));
  } else if (request.method === 'DELETE') {
    await rm(fileOf(id), { force: true });
    response.writeHead(204).end();
  } else {
    response.writeHead(404).end();
  }
}

await mkdir(folder, { recursive: true, mode: 0o700 });
await rm(socket, { force: true });
const server = createServer((request, response) => {
  answer(request, response).catch(() => response.writeHead(500).end());
});
server.listen(socket, async () => {
  await chmod(socket, 0o600);
  process.stdout.write('ready\n');
});
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => server.close());
