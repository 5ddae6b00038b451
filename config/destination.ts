import { isIP } from 'node:net';
import { z } from 'zod';

/** Where a request may go: a network (`10.1.0.0/16`), or a host with or without a port. */
export const destination = z.string().refine((text) => isHost(text) || isNetwork(text), {
  message:
    'expected a host like hooks.internal or hooks.internal:8443, or a network like 10.1.0.0/16',
});

/** A name or an IPv4 address; an address of IPv6 is written as a network. */
function isHost(text: string): boolean {
  if (!/^[\w.-]+(:\d+)?$/.test(text)) return false;
  const url = URL.parse(`https://${text}`);
  // `host` leaves the port of https out.
  return url !== null && [url.host, `${url.host}:443`].includes(text.toLowerCase());
}

function isNetwork(text: string): boolean {
  const [, address = '', prefix] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
  const bits = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  return Number(prefix) <= bits;
}
