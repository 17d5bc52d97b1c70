/**
 * Reads the part of XML that annotation files use: nested elements and text. Attributes are not read; entities other than the five
 * predefined ones are refused.
 */
import { InputError } from "../../errors.ts";

export interface XmlElement {
  name: string;
  text: string;
  children: XmlElement[];
  /** Its attributes as they are written. */
  attributes: string;
  /** Line of the opening tag, from 1. */
  line: number;
}

const entities: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

/**
 * Reads a document and returns its root, in linear time.
 * @throws InputError with file and line if it is not well formed.
 */
export function parseXml(source: string, file: string): XmlElement {
  const document: XmlElement = { name: "", text: "", children: [], attributes: "", line: 1 };
  const open = [document];
  let line = 1;
  const fail = (problem: string): never => {
    throw new InputError(`${file}:${line}: ${problem}`);
  };
  const after = (place: number): number => {
    const found = source.indexOf("\n", place);
    return found < 0 ? Infinity : found;
  };
  let lineBreak = after(0);
  for (let at = 0; at < source.length; ) {
    const current = open.at(-1)!;
    const { kind, content, end } = pieceAt(source, at, fail);
    if (kind === "data") current.text += content;
    else if (kind === "text")
      current.text += content.replace(/&([^;\s&]*);/g, (_, entity: string) => expand(entity, fail));
    else if (kind === "tag") readTag(content, open, { line, fail });
    for (; lineBreak < end; lineBreak = after(lineBreak + 1)) line++;
    at = end;
  }
  if (open.length > 1)
    fail(`<${open.at(-1)!.name}> of line ${open.at(-1)!.line} is not closed; is the file truncated?`);
  const root = document.children[0];
  return root ?? fail("there is no element");
}

interface Piece {
  kind: "text" | "data" | "tag" | "skipped";
  content: string;
  /** The position after it. */
  end: number;
}

type Fail = (problem: string) => never;

/** The text, tag or other piece that starts at a position. */
function pieceAt(source: string, at: number, fail: Fail): Piece {
  if (source[at] !== "<") {
    const next = source.indexOf("<", at);
    const end = next < 0 ? source.length : next;
    return { kind: "text", content: source.slice(at, end), end };
  }
  const upTo = (mark: string, from: number): number => {
    const found = source.indexOf(mark, from);
    return found < 0 ? fail("a tag is not closed; is the file truncated?") : found;
  };
  if (source.startsWith("<!--", at)) return { kind: "skipped", content: "", end: upTo("-->", at + 4) + 3 };
  if (source.startsWith("<![CDATA[", at)) {
    const close = upTo("]]>", at + 9);
    return { kind: "data", content: source.slice(at + 9, close), end: close + 3 };
  }
  const close = upTo(">", at);
  if (source[at + 1] === "?" || source[at + 1] === "!") return { kind: "skipped", content: "", end: close + 1 };
  const content = source.slice(at + 1, close);
  if (content.includes("<")) fail("a tag is not closed; is the file truncated?");
  return { kind: "tag", content, end: close + 1 };
}

/** Opens or closes an element by the content between < and >. */
function readTag(content: string, open: XmlElement[], { line, fail }: { line: number; fail: Fail }): void {
  const current = open.at(-1)!;
  const isClosing = content.startsWith("/");
  const name = /^[^\s/]+/.exec(isClosing ? content.slice(1) : content)?.[0];
  if (name === undefined) fail("a tag is not closed; is the file truncated?");
  else if (isClosing) {
    if (current.name !== name) fail(`</${name}> closes <${current.name}>, which was opened on line ${current.line}`);
    open.pop();
  } else {
    const element: XmlElement = { name, text: "", children: [], attributes: content.slice(name.length), line };
    current.children.push(element);
    if (!content.endsWith("/")) open.push(element);
  }
}

function expand(entity: string, fail: (problem: string) => never): string {
  const code = /^#(?:x([0-9a-f]{1,6})|([0-9]{1,7}))$/i.exec(entity);
  const point = code && (code[1] ? Number.parseInt(code[1], 16) : Number(code[2]));
  if (point !== null && point <= 0x10ffff) return String.fromCodePoint(point);
  return Object.hasOwn(entities, entity) ? entities[entity]! : fail(`unknown entity &${entity};`);
}

/** The children with a name. */
export function childrenOf(element: XmlElement, name: string): XmlElement[] {
  return element.children.filter((child) => child.name === name);
}

/**
 * The number in the first child with a name.
 * @throws InputError with file and line if it is missing or not a number.
 */
export function numberIn(element: XmlElement, name: string, file: string): number {
  const child = childrenOf(element, name)[0];
  const text = child?.text.trim() ?? "";
  if (!child) throw new InputError(`${file}:${element.line}: <${element.name}> has no <${name}>`);
  if (text === "" || !Number.isFinite(Number(text))) {
    throw new InputError(`${file}:${child.line}: <${name}> holds ${JSON.stringify(text)}, not a number`);
  }
  return Number(text);
}
