/** The last four characters of an account number, which is all a person needs to tell it apart. */
export function maskAccountNumber(number: string): string {
  return `•••• ${number.replace(/[^0-9A-Za-z]/g, '').slice(-4)}`;
}
