/** Comma-separated values (RFC 4180). */

/** One line; texts are quoted if necessary. */
export function csvLine(cells: readonly (string | number)[]): string {
  return `${cells.map((cell) => quoted(typeof cell === "string" ? plain(cell) : String(cell))).join(",")}\r\n`;
}

/** Spreadsheets evaluate text that starts like a formula; an apostrophe prevents this (OWASP, CSV Injection). */
function plain(text: string): string {
  return /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
