/** Escapes text for XML, SVG and HTML. */

const marks: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** Escapes a text for use between tags or in quotes; control characters, which XML does not allow, are replaced. */
export function xmlText(text: string): string {
  return text
    .replaceAll(/[\p{Cc}\ufffe\uffff]/gu, (mark) => (/\s/.test(mark) ? " " : "\ufffd"))
    .replaceAll(/[&<>"]/g, (mark) => marks[mark]!);
}
