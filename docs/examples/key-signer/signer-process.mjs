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
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { serveSigner } from './serve-signer.mjs';

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

await mkdir(folder, { recursive: true, mode: 0o700 });
await serveSigner(socket, {
  async createKey(algorithm) {
    const { kind, options } = algorithms[algorithm];
    const { privateKey } = await generate(kind, options);
    const id = `${algorithm}-${randomUUID()}`;
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
    await writeFile(fileOf(id), pem, { mode: 0o600 });
    return { id, publicJwk: createPublicKey(privateKey).export({ format: 'jwk' }) };
  },

  async signData(id, data) {
    const key = createPrivateKey(await readFile(fileOf(id)));
    return sign('sha256', data, { key, ...algorithms[id.split('-')[0]].signing });
  },

  destroyKey: (id) => rm(fileOf(id), { force: true }),
});
