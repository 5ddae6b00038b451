/** Where each part of the sandbox listens, on 127.0.0.1. */
export interface SandboxPorts {
  readonly assent: number;
  /** Asks for client certificates, as `bankMtls` does. */
  readonly assentMtls: number;
  readonly bank: number;
  readonly bankMtls: number;
  readonly legacyBank: number;
  readonly phone: number;
  readonly tpp: number;
  readonly slowBank: number;
  readonly brokenBank: number;
}

/** The ports of one sandbox; another can run beside it from a base that is 100 further. */
export function portsFrom(base: number): SandboxPorts {
  return {
    assent: base,
    assentMtls: base + 1,
    bank: base + 10,
    bankMtls: base + 11,
    legacyBank: base + 12,
    phone: base + 13,
    tpp: base + 20,
    slowBank: base + 30,
    brokenBank: base + 31,
  };
}

/** Where browsers and clients find each part. */
export interface SandboxUrls {
  readonly assent: string;
  readonly assentMtls: string;
  readonly bank: string;
  readonly bankMtls: string;
  readonly legacyBank: string;
  readonly phone: string;
  readonly tpp: string;
  readonly slowBank: string;
  readonly brokenBank: string;
}

/**
 * The bank goes by another host name than Assent: cookies do not tell ports apart, and two providers
 * with the same cookie names would end each other's visits.
 */
export function urlsFrom(ports: SandboxPorts): SandboxUrls {
  return {
    assent: `https://localhost:${ports.assent}`,
    assentMtls: `https://localhost:${ports.assentMtls}`,
    bank: `https://127.0.0.1:${ports.bank}`,
    bankMtls: `https://127.0.0.1:${ports.bankMtls}`,
    legacyBank: `https://127.0.0.1:${ports.legacyBank}`,
    phone: `https://127.0.0.1:${ports.phone}`,
    tpp: `https://localhost:${ports.tpp}`,
    slowBank: `https://127.0.0.1:${ports.slowBank}`,
    brokenBank: `https://127.0.0.1:${ports.brokenBank}`,
  };
}
