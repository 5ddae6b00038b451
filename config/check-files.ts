import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { ConnectorConfiguration, ValidSettings } from './schema.js';
import { signingKeySchema } from './signing-key.js';
import { systemErrorCode } from './system-error-code.js';

/**
 * Reads every file the configuration names, once, so that the start fails here and not at the first
 * request. A master key file is left out: the store makes it on the first start.
 * @returns one mistake for each file that is missing or is not what it should be.
 */
export async function checkFiles(configuration: ValidSettings): Promise<readonly string[]> {
  const { tls, signing, outgoing, institutions = [] } = configuration;
  const checks = [
    ...(tls ? [checkPair('tls', tls)] : []),
    ...(tls?.clientCertificateAuthorities ?? []).map((path, index) =>
      checkFile(`tls.clientCertificateAuthorities.${index}`, path, readCertificate),
    ),
    ...(tls?.clientCertificateRevocationLists ?? []).map((path, index) =>
      checkFile(`tls.clientCertificateRevocationLists.${index}`, path, readRevocationList),
    ),
    ...(signing?.external
      ? [checkFile('signing.external.module', signing.external.module, readModule)]
      : []),
    ...(outgoing?.certificateAuthorities ?? []).map((path, index) =>
      checkFile(`outgoing.certificateAuthorities.${index}`, path, readCertificate),
    ),
    ...institutions.flatMap(({ connector }, index) =>
      checkConnector(`institutions.${index}.connector`, connector),
    ),
  ];
  return (await Promise.all(checks)).flatMap(({ mistakes }) => mistakes);
}

function checkConnector(
  place: string,
  connector: ConnectorConfiguration,
): readonly Promise<Checked<unknown>>[] {
  const { certificateAuthority } = connector;
  const authority =
    certificateAuthority === undefined
      ? []
      : [checkFile(`${place}.certificateAuthority`, certificateAuthority, readCertificate)];
  if (connector.type === 'simulated-legacy') return authority;
  const { signingKey } = connector;
  return [
    checkPair(place, connector),
    ...(signingKey === undefined
      ? []
      : [checkFile(`${place}.signingKey`, signingKey, readPrivateJwk)]),
    ...authority,
  ];
}

interface Checked<Content> {
  readonly mistakes: readonly string[];
  readonly content?: Content;
}

/** A certificate and its private key: both readable, and of one pair. */
async function checkPair(
  place: string,
  files: { readonly certificate: string; readonly key: string },
): Promise<Checked<never>> {
  const [certificate, key] = await Promise.all([
    checkFile(`${place}.certificate`, files.certificate, readCertificate),
    checkFile(`${place}.key`, files.key, readPrivateKey),
  ]);
  const mistakes = [...certificate.mistakes, ...key.mistakes];
  if (certificate.content && key.content && !certificate.content.checkPrivateKey(key.content)) {
    mistakes.push(
      `${place}.key: found ${files.key}; expected the private key of ${files.certificate}`,
    );
  }
  return { mistakes };
}

interface FileKind<Content> {
  readonly expected: string;
  parse(text: string): Content;
}

const readCertificate: FileKind<X509Certificate> = {
  expected: 'a certificate in PEM',
  parse: (text) => new X509Certificate(text),
};

const readRevocationList: FileKind<SecureContext> = {
  expected: 'a certificate revocation list in PEM',
  parse: (text) => createSecureContext({ crl: text }),
};

const readPrivateKey: FileKind<KeyObject> = {
  expected: 'a private key in PEM, without a passphrase',
  parse: (text) => createPrivateKey(text),
};

const readPrivateJwk: FileKind<unknown> = {
  expected: 'a private key as JWK with kid and alg',
  parse: (text) => signingKeySchema.parse(JSON.parse(text)),
};

/** What it exports is looked at when it is loaded. */
const readModule: FileKind<string> = {
  expected: 'an ES module that exports createKeySigner',
  parse: (text) => text,
};

async function checkFile<Content>(
  place: string,
  path: string,
  kind: FileKind<Content>,
): Promise<Checked<Content>> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    return {
      mistakes: [
        `${place}: found ${path}, which cannot be read (${systemErrorCode(error)}); expected ${kind.expected}`,
      ],
    };
  }
  try {
    return { mistakes: [], content: kind.parse(text) };
  } catch {
    // The reason is left out: a parser's message may quote the file, and the file may be a key.
    return {
      mistakes: [`${place}: found ${path}, which cannot be understood; expected ${kind.expected}`],
    };
  }
}
