import type { SandboxPorts } from '../../sandbox/ports.js';
import { freePort } from './free-port.js';

/** A port that nobody uses for each part of a sandbox. */
export async function freePorts(): Promise<SandboxPorts> {
  return {
    assent: await freePort(),
    assentMtls: await freePort(),
    bank: await freePort(),
    bankMtls: await freePort(),
    legacyBank: await freePort(),
    phone: await freePort(),
    tpp: await freePort(),
    slowBank: await freePort(),
    brokenBank: await freePort(),
  };
}
