import { readFile } from 'node:fs/promises';
import { Agent, request } from 'undici';
import { createSandbox, type Sandbox } from '../../sandbox/create-sandbox.js';
import { freePorts } from '../support/free-ports.js';

/** A whole sandbox on free ports, and a browser of the simplest kind. */
export async function startSandbox(directory: string) {
  const sandbox = await createSandbox({ directory, ports: await freePorts(), log: 'silent' });
  await sandbox.start();
  return { ...sandbox, ...(await createVisitor(sandbox)) };
}

export type StartedSandbox = Awaited<ReturnType<typeof startSandbox>>;

/** Asks like a browser: keeps cookies, sends forms, and does not follow redirects. */
async function createVisitor({ tpp, urls }: Sandbox) {
  const agent = new Agent({ connect: { ca: await readFile(tpp.ca, 'utf8') } });
  const cookies = new Map<string, string>();

  async function visit(address: string, form?: string, headers: Record<string, string> = {}) {
    const response = await request(new URL(address, urls.tpp), {
      dispatcher: agent,
      method: form === undefined ? 'GET' : 'POST',
      headers: {
        cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; '),
        ...(form !== undefined && { 'content-type': 'application/x-www-form-urlencoded' }),
        ...headers,
      },
      body: form ?? null,
    });
    for (const cookie of [response.headers['set-cookie'] ?? []].flat()) {
      const [name = '', value = ''] = cookie.split(';', 1)[0]?.split('=') ?? [];
      cookies.set(name, value);
    }
    const text = await response.body.text();
    return {
      status: response.statusCode,
      headers: response.headers,
      location: String(response.headers.location ?? ''),
      text,
      csrf: /name="csrf" value="([^"]+)"/.exec(text)?.[1] ?? '',
    };
  }

  return { visit, cookies, leave: () => agent.destroy() };
}
