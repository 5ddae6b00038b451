import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Environment } from '../../config/environment-settings.js';
import { loadConfiguration } from '../../config/load-configuration.js';
import { systemClock } from '../../core/clock.js';
import { openCertificateAuthority } from '../../sandbox/certificate-authority.js';

/** A directory with `ca.pem`, `server.pem` and `server.key`, and configurations read from it. */
export async function createConfigurationDirectory() {
  const directory = await mkdtemp(join(tmpdir(), 'assent-configuration-'));
  await (await openCertificateAuthority(directory, systemClock)).server('server');
  const file = join(directory, 'assent.json');

  return {
    directory,
    file,
    remove: () => rm(directory, { recursive: true }),
    /** Writes the settings (JSON, or a text as it is) and loads them. */
    async load(settings: unknown, environment: Environment = {}) {
      await writeFile(file, typeof settings === 'string' ? settings : JSON.stringify(settings));
      return loadConfiguration({ file, environment });
    },
  };
}

/** The least an operator must write. */
export const minimal = {
  publicUrl: 'https://id.example.com',
  mtlsUrl: 'https://mtls.example.com',
  tls: { certificate: 'server.pem', key: 'server.key' },
};

export const connector = {
  type: 'open-banking-uk',
  issuer: 'https://bank.example.com/oidc',
  resourceUrl: 'https://mtls.bank.example.com/open-banking/v3.1/aisp',
  clientId: 'assent',
  certificate: 'server.pem',
  key: 'server.key',
};
