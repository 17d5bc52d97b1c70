/** Comma-separated values (RFC 4180). */

/** One line; texts are quoted where they must be. */
export function csvLine(cells: readonly (string | number)[]): string {
  return `${cells.map((cell) => quoted(typeof cell === "string" ? plain(cell) : String(cell))).join(",")}\r\n`;
}

/** Spreadsheets compute what begins like a formula; after an apostrophe it is text (OWASP, CSV Injection). */
function plain(text: string): string {
  return /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
