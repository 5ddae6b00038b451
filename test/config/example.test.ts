import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfiguration } from '../../config/load-configuration.js';
import { systemClock } from '../../core/clock.js';
import { createAssent } from '../../create-assent.js';
import { openCertificateAuthority } from '../../sandbox/certificate-authority.js';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'assent-example-'));
  await mkdir(join(directory, 'tls'));
  const authority = await openCertificateAuthority(join(directory, 'tls'), systemClock);
  await authority.server('server');
  await authority.client('transport');
  await cp(authority.certificate, join(directory, 'tls/client-authority.pem'));
  await cp('docs/examples/assent.json', join(directory, 'assent.json'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

describe('the example configuration', () => {
  it('is complete: certificates beside it, it starts', async () => {
    const configuration = await loadConfiguration({
      file: join(directory, 'assent.json'),
      environment: {
        ASSENT_LISTEN__BROWSER__PORT: '0',
        ASSENT_LISTEN__MTLS__PORT: '0',
        ASSENT_LOG: 'silent',
      },
    });
    const assent = await createAssent({ configuration });
    await assent.start();
    await assent.stop();

    expect(configuration.institutions).toHaveLength(1);
    expect(configuration.clients).toHaveLength(1);
  });
});
