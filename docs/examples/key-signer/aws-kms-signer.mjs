// `signing.external` with AWS KMS, to begin with; it is not part of our tests, which have no cloud.
// It needs `npm install @aws-sdk/client-kms` beside it, credentials as that finds them, and the right to
// CreateKey, GetPublicKey, Sign and ScheduleKeyDeletion.
//
//   "signing": { "external": { "module": "aws-kms-signer.mjs", "options": { "region": "eu-west-2" } } }
import { createPublicKey } from 'node:crypto';
import {
  CreateKeyCommand,
  GetPublicKeyCommand,
  KMSClient,
  KMSInvalidStateException,
  NotFoundException,
  ScheduleKeyDeletionCommand,
  SignCommand,
} from '@aws-sdk/client-kms';

const algorithms = {
  ES256: { spec: 'ECC_NIST_P256', signing: 'ECDSA_SHA_256' },
  PS256: { spec: 'RSA_2048', signing: 'RSASSA_PSS_SHA_256' },
  RS256: { spec: 'RSA_2048', signing: 'RSASSA_PKCS1_V1_5_SHA_256' },
};

/** @param {{ region: string, deletionDays?: number }} options */
export function createKeySigner({ region, deletionDays = 30 }) {
  const kms = new KMSClient({ region, maxAttempts: 2 });

  return {
    async createKey(algorithm) {
      const { KeyMetadata } = await kms.send(
        new CreateKeyCommand({
          KeySpec: algorithms[algorithm].spec,
          KeyUsage: 'SIGN_VERIFY',
          Description: `Assent ${algorithm}`,
        }),
      );
      const id = KeyMetadata.KeyId;
      const { PublicKey } = await kms.send(new GetPublicKeyCommand({ KeyId: id }));
      const key = createPublicKey({ key: Buffer.from(PublicKey), format: 'der', type: 'spki' });
      return { id, publicJwk: key.export({ format: 'jwk' }) };
    },

    async sign({ id, algorithm }, data, signal) {
      // KMS takes messages of 4096 bytes at most, so it is given the digest.
      const digest = await crypto.subtle.digest('SHA-256', data);
      const command = new SignCommand({
        KeyId: id,
        Message: new Uint8Array(digest),
        MessageType: 'DIGEST',
        SigningAlgorithm: algorithms[algorithm].signing,
      });
      const { Signature } = await kms.send(command, { abortSignal: signal });
      return algorithm === 'ES256' ? toRawSignature(Buffer.from(Signature)) : Signature;
    },

    async destroyKey(id) {
      const command = { KeyId: id, PendingWindowInDays: deletionDays };
      try {
        await kms.send(new ScheduleKeyDeletionCommand(command));
      } catch (error) {
        // It is gone, or on its way.
        if (error instanceof NotFoundException || error instanceof KMSInvalidStateException) return;
        throw error;
      }
    },

    close: async () => kms.destroy(),
  };
}

/** ASN.1 SEQUENCE of two INTEGERs to R and S of 32 bytes each (RFC 7518 §3.4). */
function toRawSignature(der) {
  const numbers = [];
  for (let at = 2; numbers.length < 2; ) {
    const length = der[at + 1];
    const number = der.subarray(at + 2, at + 2 + length).subarray(-32);
    numbers.push(Buffer.concat([Buffer.alloc(32 - number.length), number]));
    at += 2 + length;
  }
  return Buffer.concat(numbers);
}
