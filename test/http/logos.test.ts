import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { bankIcon } from '../../consent-ui/assets.js';
import { readLogos } from '../../http/read-logos.js';
import { bankLogoPath, createClientLogoFinder } from '../../http/serve-logos.js';
import { type RunningAssent, startAssent } from '../support/start-assent.js';

const svg = '<svg xmlns="http://www.w3.org/2000/svg"/>';
const directories: string[] = [];

async function createFolder(files: Readonly<Record<string, string | Buffer>>): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'assent-logos-'));
  directories.push(directory);
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(directory, 'logos', name)), { recursive: true });
    await writeFile(join(directory, 'logos', name), content);
  }
  return join(directory, 'logos');
}

let assent: RunningAssent;
let folder: string;

beforeAll(async () => {
  folder = await createFolder({
    'banks/north-bank.svg': svg,
    'banks/.hidden': 'passed over',
    'clients/app.png': Buffer.from([0x89, 0x50, 0x4e, 0x47]),
    'private.svg': '<svg>not a logo</svg>',
  });
  assent = await startAssent({ logos: folder });
});

afterAll(async () => {
  await assent.stop();
  await Promise.all(directories.map((directory) => rm(directory, { recursive: true })));
});

describe('logos', () => {
  it.each(['', '.svg', '.png', '.jpg'])(
    'serves the icon of a bank, also as "%s"',
    async (suffix) => {
      const answer = await assent.fetch(`/bank-icons/north-bank${suffix}`);
      expect(answer.status).toBe(200);
      expect(await answer.text()).toBe(svg);
      const headers = Object.fromEntries(answer.headers);
      expect(headers).toMatchObject({
        'content-type': 'image/svg+xml',
        'cache-control': 'public, max-age=3600',
        'x-content-type-options': 'nosniff',
        'cross-origin-resource-policy': 'cross-origin',
      });
      expect(headers['content-security-policy']).toContain("default-src 'none'");
    },
  );

  it('serves the logo of a client', async () => {
    const answer = await assent.fetch('/client-logos/app');
    expect(answer.headers.get('content-type')).toBe('image/png');
    expect(await answer.bytes()).toEqual(new Uint8Array([0x89, 0x50, 0x4e, 0x47]));
  });

  it.each(['/bank-icons/default', '/bank-icons/default.png', '/bank-icons/other?defaultIcon=true'])(
    'shows the neutral icon at %s',
    async (path) => {
      const answer = await assent.fetch(path);
      expect(answer.status).toBe(200);
      expect(await answer.text()).toBe(bankIcon.body.toString());
    },
  );

  it.each([
    ...['/bank-icons/other', '/bank-icons/', '/bank-icons/.hidden', '/bank-icons/constructor'],
    ...[
      '/bank-icons/..%2fprivate',
      '/bank-icons/..%2fprivate.svg',
      '/bank-icons/%',
      '/bank-icons/%00',
    ],
    ...['/client-logos/other', '/client-logos/..%2fbanks%2fnorth-bank', '/client-logos/app.svg'],
  ])('has nothing at %s', async (path) => {
    expect((await assent.fetch(path)).status).toBe(404);
  });

  it('leads pages only to what is there', async () => {
    const { banks, clients } = await readLogos(folder);
    const find = createClientLogoFinder(clients, assent.storage);
    expect(bankLogoPath(banks, 'north-bank')).toBe('/bank-icons/north-bank');
    expect(await find({ client_id: 'app' })).toBe('/client-logos/app');
    expect(bankLogoPath(banks, 'app')).toBeUndefined();
    expect(await find({ client_id: 'north-bank' })).toBeUndefined();
  });
});

describe('readLogos', () => {
  it.each([
    [
      { 'banks/large.svg': Buffer.alloc(256 * 1024 + 1) },
      /^logos: found .*large.svg; expected at most 256 KiB$/,
    ],
    [{ 'banks/photo.jpg': '' }, /^logos: found .*photo.jpg; expected a name .* \.svg or \.png$/],
    [{ 'clients/a b.svg': svg }, /^logos: found .*a b.svg; expected a name/],
    [
      { 'clients/a.svg': svg, 'clients/a.png': '' },
      /^logos: found .*a.svg; expected one logo of each name$/,
    ],
    [{ 'clients/a.svg/b': svg }, /^logos: found .*a.svg; expected a file$/],
    [{}, /^logos: found .*; expected a folder with banks\/ and clients\/$/],
  ])('refuses %o in one sentence', async (files, sentence) => {
    await expect(readLogos(await createFolder(files))).rejects.toThrow(sentence);
  });

  it('has none where none are configured', async () => {
    expect((await readLogos(undefined)).banks.size).toBe(0);
  });
});
