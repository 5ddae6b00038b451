// An HSM behind `signing.external`, by PKCS#11: a process of its own that alone has the HSM's library and
// its PIN, and calls OpenSC's `pkcs11-tool`. Keys are made in the HSM, cannot be taken out of it, and are
// found by CKA_ID. Our tests run it with SoftHSM.
//
//   PKCS11_MODULE=/usr/lib/softhsm/libsofthsm2.so PKCS11_TOKEN=assent PKCS11_PIN_FILE=/run/secrets/pin \
//     node docs/examples/key-signer/pkcs11-process.mjs SOCKET
//
// The PIN is in a file that this process alone may read, and reaches the tool in its environment: a command
// line can be read by everybody on the machine.
import { spawn } from 'node:child_process';
import { createPublicKey, hash, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { buffer, text } from 'node:stream/consumers';
import { serveSigner } from './serve-signer.mjs';

const [socket] = process.argv.slice(2);
const { PKCS11_MODULE, PKCS11_TOKEN, PKCS11_PIN_FILE, ...environment } = process.env;
if (!socket || !PKCS11_MODULE || !PKCS11_TOKEN || !PKCS11_PIN_FILE) {
  throw new Error('Usage: PKCS11_MODULE= PKCS11_TOKEN= PKCS11_PIN_FILE= pkcs11-process.mjs SOCKET');
}
const PKCS11_PIN = (await readFile(PKCS11_PIN_FILE, 'utf8')).trim();

/** ES256 and PS256 sign the digest: not every HSM makes it by itself. */
const algorithms = {
  ES256: { type: 'EC:prime256v1', mechanism: ['ECDSA', '--signature-format', 'rs'], digests: true },
  PS256: {
    type: 'rsa:2048',
    mechanism: [
      'RSA-PKCS-PSS',
      '--hash-algorithm',
      'SHA256',
      '--mgf',
      'MGF1-SHA256',
      '--salt-len',
      '32',
    ],
    digests: true,
  },
  RS256: { type: 'rsa:2048', mechanism: ['SHA256-RSA-PKCS'], digests: false },
};

/**
 * One call at a time, in turn: each is a process that looks for its token anew, which SoftHSM may hide
 * from one while another is at it.
 */
let turn = Promise.resolve();

function callTool(args, input) {
  const result = turn.then(() => runTool(args, input));
  turn = result.catch(() => {});
  return result;
}

async function runTool(args, input = '') {
  const how = ['--module', PKCS11_MODULE, '--token-label', PKCS11_TOKEN];
  const login = ['--login', '--pin', 'env:PKCS11_PIN'];
  const tool = spawn('pkcs11-tool', [...how, ...login, ...args], {
    env: { ...environment, PKCS11_PIN },
    // Assent waits five seconds for a signature, and longer for a new key.
    timeout: 30_000,
  });
  // A tool that ended early reads no more.
  tool.stdin.on('error', () => {}).end(input);
  const ended = new Promise((resolve, reject) => tool.on('error', reject).on('close', resolve));
  const [output, problem, status] = await Promise.all([
    buffer(tool.stdout),
    text(tool.stderr),
    ended,
  ]);
  if (status !== 0) throw new Error(`pkcs11-tool ${args[0]}: ${problem.trim()}`);
  return output;
}

const algorithmOf = (id) => algorithms[id.slice(0, 5)];
const inToken = (id) => ['--id', id.slice(6).replaceAll('-', '')];

await serveSigner(socket, {
  async createKey(algorithm) {
    const id = `${algorithm}-${randomUUID()}`;
    const key = ['--key-type', algorithmOf(id).type, '--label', id, ...inToken(id)];
    await callTool(['--keypairgen', '--usage-sign', '--sensitive', ...key]);
    const der = await callTool(['--read-object', '--type', 'pubkey', ...inToken(id)]);
    const publicKey = createPublicKey({ key: der, format: 'der', type: 'spki' });
    return { id, publicJwk: publicKey.export({ format: 'jwk' }) };
  },

  async signData(id, data) {
    const { mechanism, digests } = algorithmOf(id);
    const input = digests ? hash('sha256', data, 'buffer') : data;
    return callTool(['--sign', ...inToken(id), '--mechanism', ...mechanism], input);
  },

  async destroyKey(id) {
    for (const type of ['privkey', 'pubkey']) {
      await callTool(['--delete-object', '--type', type, ...inToken(id)]).catch((error) => {
        // It is gone already.
        if (!error.message.includes('object not found')) throw error;
      });
    }
  },
});
