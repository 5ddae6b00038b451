/** ISO 4217 currencies whose minor unit is not a hundredth (`Intl` follows CLDR, which differs). */
const unusualExponents: ReadonlyMap<string, number> = new Map([
  ...[
    'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF'
      .split(' ')
      .map((code): [string, number] => [code, 0]),
    'BHD IQD JOD KWD LYD OMR TND'.split(' ').map((code): [string, number] => [code, 3]),
    'CLF UYW'.split(' ').map((code): [string, number] => [code, 4]),
  ].flat(),
]);

/** How many decimal digits the minor unit of an ISO 4217 currency has: 2 for GBP, 0 for JPY. */
export function currencyExponent(currency: string): number {
  return unusualExponents.get(currency) ?? 2;
}
