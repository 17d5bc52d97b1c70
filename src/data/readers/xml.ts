/** The little of XML that annotation files use: nested elements and text. Attributes are skipped, entities beyond the five are refused. */
import { InputError } from "../../errors.ts";

export interface XmlElement {
  name: string;
  text: string;
  children: XmlElement[];
  /** Line of the opening tag, from 1. */
  line: number;
}

const entities: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

/** Reads one document and gives its root. @throws InputError with file and line where it is not well formed. */
export function parseXml(source: string, file: string): XmlElement {
  const document: XmlElement = { name: "", text: "", children: [], line: 1 };
  const open = [document];
  let line = 1;
  const fail = (problem: string): never => {
    throw new InputError(`${file}:${line}: ${problem}`);
  };
  const pieces = source.matchAll(
    /<!--[\s\S]*?-->|<!\[CDATA\[([\s\S]*?)\]\]>|<[?!][^>]*>|<(\/?)([^\s<>/]+)([^<>]*?)(\/?)>|<|[^<]+/g,
  );
  for (const [piece, data, isClosing, name, , isEmpty] of pieces) {
    const current = open.at(-1)!;
    if (piece === "<") fail("a tag is not closed; is the file cut off?");
    if (data !== undefined) current.text += data;
    else if (name !== undefined) {
      if (isClosing) {
        if (current.name !== name)
          fail(`</${name}> closes <${current.name}>, which was opened on line ${current.line}`);
        open.pop();
      } else {
        const element: XmlElement = { name, text: "", children: [], line };
        current.children.push(element);
        if (!isEmpty) open.push(element);
      }
    } else if (!piece.startsWith("<"))
      current.text += piece.replace(/&([^;\s]*);/g, (_, entity: string) => expand(entity, fail));
    line += piece.split("\n").length - 1;
  }
  if (open.length > 1) fail(`<${open.at(-1)!.name}> of line ${open.at(-1)!.line} is not closed; is the file cut off?`);
  const root = document.children[0];
  return root ?? fail("there is no element");
}

function expand(entity: string, fail: (problem: string) => never): string {
  const code = /^#(?:x([0-9a-f]{1,6})|([0-9]{1,7}))$/i.exec(entity);
  const point = code && (code[1] ? Number.parseInt(code[1], 16) : Number(code[2]));
  if (point !== null && point <= 0x10ffff) return String.fromCodePoint(point);
  return entities[entity] ?? fail(`entity &${entity}; is not known`);
}

/** The children of a name. */
export function childrenOf(element: XmlElement, name: string): XmlElement[] {
  return element.children.filter((child) => child.name === name);
}

/** The number in the first child of a name. @throws InputError with file and line where it is missing or no number. */
export function numberIn(element: XmlElement, name: string, file: string): number {
  const child = childrenOf(element, name)[0];
  const text = child?.text.trim() ?? "";
  if (!child) throw new InputError(`${file}:${element.line}: <${element.name}> has no <${name}>`);
  if (text === "" || !Number.isFinite(Number(text))) {
    throw new InputError(`${file}:${child.line}: <${name}> holds ${JSON.stringify(text)}, not a number`);
  }
  return Number(text);
}
