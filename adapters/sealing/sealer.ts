import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import type { Keyring } from './keyring.js';

/**
 * Seals and opens the payload of one record with AES-256-GCM. The place (`collection/stored id`) is
 * authenticated, so that a sealed payload opens nowhere else. Synchronous: a few microseconds.
 */
export interface Sealer {
  seal(place: string, plaintext: string): Buffer;
  /**
   * @returns undefined where the data key is one the keyring has not seen (it must be reloaded).
   * @throws where the bytes were altered, moved from another place, or not made by a sealer.
   */
  open(place: string, sealed: Uint8Array): Buffer | undefined;
}

// format (1) ‖ data key number (4) ‖ salt (16) ‖ nonce (12) ‖ tag (16) ‖ ciphertext
const format = 1;
const saltAt = 5;
const nonceAt = 21;
const tagAt = 33;
const ciphertextAt = 49;
const subkeysKept = 1024;

/**
 * A process never uses a data key itself but a subkey of it, derived with a salt made when the
 * process starts. Under its own subkey a process can count nonces, so that none repeats however
 * much is sealed (NIST SP 800-38D 8.2.1), which random nonces would not promise.
 */
export function createSealer(keyring: Keyring): Sealer {
  const ownSalt = randomBytes(nonceAt - saltAt);
  const subkeys = new Map<string, KeyObject>();
  let sealedCount = 0;

  function subkey(number: number, salt: Buffer): KeyObject | undefined {
    const dataKey = keyring.get(number);
    if (!dataKey) return undefined;
    const name = `${number} ${salt.toString('latin1')}`;
    let key = subkeys.get(name);
    if (!key) {
      const bytes = hkdfSync('sha256', dataKey.key, salt, 'assent record', 32);
      // As a KeyObject: handing over raw bytes costs four times the sealing itself.
      key = createSecretKey(Buffer.from(bytes));
      if (subkeys.size >= subkeysKept) subkeys.clear();
      subkeys.set(name, key);
    }
    return key;
  }

  return {
    seal(place, plaintext) {
      const { number } = keyring.newest();
      const key = subkey(number, ownSalt);
      if (!key) throw new Error('The newest data key is not in the keyring');
      const header = Buffer.alloc(tagAt);
      header.writeUInt8(format, 0);
      header.writeUInt32BE(number, 1);
      ownSalt.copy(header, saltAt);
      header.writeUIntBE(++sealedCount, tagAt - 6, 6);
      const cipher = createCipheriv('aes-256-gcm', key, header.subarray(nonceAt, tagAt));
      cipher.setAAD(Buffer.from(place));
      const ciphertext = cipher.update(plaintext, 'utf8');
      cipher.final();
      return Buffer.concat([header, cipher.getAuthTag(), ciphertext]);
    },

    open(place, sealed) {
      const blob = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
      if (blob.length < ciphertextAt || blob.readUInt8(0) !== format) {
        throw new Error(`A record of ${collectionOf(place)} is not in the sealed format`);
      }
      const key = subkey(blob.readUInt32BE(1), blob.subarray(saltAt, nonceAt));
      if (!key) return undefined;
      const nonce = blob.subarray(nonceAt, tagAt);
      const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: 16 });
      decipher.setAAD(Buffer.from(place)).setAuthTag(blob.subarray(tagAt, ciphertextAt));
      const plaintext = decipher.update(blob.subarray(ciphertextAt));
      try {
        decipher.final();
      } catch (cause) {
        throw new Error(`A record of ${collectionOf(place)} was altered or moved`, { cause });
      }
      return plaintext;
    },
  };
}

/** What an error may tell: an id can belong to a person. */
function collectionOf(place: string): string {
  return place.slice(0, place.indexOf('/'));
}
