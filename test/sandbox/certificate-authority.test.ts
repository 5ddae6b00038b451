import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../core/clock.js';
import { openCertificateAuthority, subjectOf } from '../../sandbox/certificate-authority.js';
import { furthestDays } from '../../sandbox/movable-clock.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'assent-authority-'));
});
afterEach(() => rm(directory, { recursive: true }));

const certificateIn = async (path: string) => new X509Certificate(await readFile(path));
const inDays = (days: number) => ({ now: () => Date.now() + days * 86_400_000 });

describe('the sandbox certificate authority', () => {
  it('issues a server certificate for the names of this machine', async () => {
    const authority = await openCertificateAuthority(directory, systemClock);
    const server = await certificateIn((await authority.server('server')).certificate);
    const issuer = await certificateIn(authority.certificate);

    expect(server.checkHost('localhost')).toBe('localhost');
    expect(server.checkIP('127.0.0.1')).toBe('127.0.0.1');
    expect(server.checkHost('example.com')).toBeUndefined();
    expect(server.checkIssued(issuer) && server.verify(issuer.publicKey)).toBe(true);
    expect(issuer.ca).toBe(true);
    expect(server.ca).toBe(false);
  });

  it('names a client in the subject of its certificate, for client authentication only', async () => {
    const authority = await openCertificateAuthority(directory, systemClock);
    const client = await certificateIn((await authority.client('some-client')).certificate);

    expect(client.subject.split('\n').reverse().join(',')).toBe(subjectOf('some-client'));
    expect(client.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
  });

  it('gives clients what lasts longer than the time can be moved while they run', async () => {
    const authority = await openCertificateAuthority(directory, systemClock);
    const client = await certificateIn((await authority.client('a')).certificate);

    expect(client.validToDate.getTime()).toBeGreaterThan(inDays(furthestDays + 365).now());
  });

  it('keeps keys and certificates from one start to the next, readable by the owner only', async () => {
    const first = await (await openCertificateAuthority(directory, systemClock)).client('a');
    const before = await readFile(first.key, 'utf8');
    const second = await (await openCertificateAuthority(directory, systemClock)).client('a');

    expect(second).toEqual(first);
    expect(await readFile(second.key, 'utf8')).toBe(before);
    for (const file of ['ca.key', 'a.key']) {
      expect((await stat(join(directory, file))).mode & 0o777).toBe(0o600);
    }
  });

  it('issues anew what is about to end, for the real time too, and keeps the authority', async () => {
    const before = await openCertificateAuthority(directory, systemClock);
    const issuer = await certificateIn(before.certificate);
    const old = await certificateIn((await before.client('a')).certificate);
    const after = await openCertificateAuthority(directory, inDays(701));
    const renewed = await certificateIn((await after.client('a')).certificate);

    expect(renewed.fingerprint256).not.toBe(old.fingerprint256);
    expect(renewed.verify(issuer.publicKey)).toBe(true);
    expect(renewed.validFromDate.getTime()).toBeLessThan(Date.now());
    expect(renewed.validToDate.getTime()).toBeGreaterThan(inDays(1400).now());
  });

  it('issues to servers by the real time, which browsers go by, also where the clock is ahead', async () => {
    const authority = await openCertificateAuthority(directory, inDays(1000));
    const { certificate } = await authority.server('server');
    const { validFromDate, validToDate } = await certificateIn(certificate);

    expect(validFromDate.getTime()).toBeLessThan(Date.now());
    expect(validToDate.getTime()).toBeLessThan(inDays(398).now());
  });

  it('replaces a certificate whose file was damaged', async () => {
    const authority = await openCertificateAuthority(directory, systemClock);
    const files = await authority.server('server');
    await writeFile(files.certificate, 'not a certificate');

    expect((await certificateIn((await authority.server('server')).certificate)).ca).toBe(false);
  });
});
