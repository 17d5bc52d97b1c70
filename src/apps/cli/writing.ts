/** What commands print. */

/** Prints on stdout. */
export function print(text: string): void {
  process.stdout.write(text);
}
