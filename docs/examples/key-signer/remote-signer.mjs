// The module for `signing.external` that goes with signer-process.mjs: nothing but the way there.
//
//   "signing": { "external": { "module": "remote-signer.mjs", "options": { "socket": "/run/signer" } } }
import { request } from 'node:http';
import { buffer } from 'node:stream/consumers';

/** @param {{ socket: string }} options */
export function createKeySigner({ socket }) {
  async function call(method, path, { body, signal } = {}) {
    const response = await new Promise((resolve, reject) => {
      request({ socketPath: socket, agent: false, method, path, signal }, resolve)
        .on('error', reject)
        .end(body);
    });
    const answer = await buffer(response);
    if (response.statusCode >= 300) throw new Error(`the signer answered ${response.statusCode}`);
    return answer;
  }

  return {
    async createKey(algorithm) {
      const body = JSON.stringify({ algorithm });
      return JSON.parse((await call('POST', '/keys', { body })).toString());
    },
    sign: ({ id }, data, signal) =>
      call('POST', `/keys/${id}/signatures`, { body: Buffer.from(data), signal }),
    async destroyKey(id) {
      await call('DELETE', `/keys/${id}`);
    },
  };
}
