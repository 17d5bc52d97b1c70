/** Reads the forms of a request: JSON, multipart, and the bytes of a picture with query parameters. */

import { z } from "zod";
import { InputError } from "../../../errors.ts";
import { Refusal } from "./refusal.ts";

/** A request before it is checked, with the bytes of its picture if they came beside it. */
export interface ReadRequest {
  readonly fields: unknown;
  readonly picture?: Uint8Array;
}

/** Fields of forms and queries that are not texts. */
const numbers = new Set(["threshold", "textThreshold", "topK", "nms", "top", "beams", "most"]);
const flags = new Set(["ground"]);
/** Lists, each item by itself; the first two may be separated by commas. */
const separated = new Set(["classes", "labels"]);
const lists = new Set([...separated, "phrases", "templates", "texts"]);
/** A query parameter that is not a field: Roboflow's token. */
const API_KEY = "api_key";
const LONGEST_PROBLEM = 2000;

/** The bytes of a request's body; none if it has no body. */
export function bodyOf(body: unknown): Buffer {
  return Buffer.isBuffer(body) ? body : Buffer.alloc(0);
}

/** Reads a request. Throws InputError for a malformed body, and Refusal for an unknown type. */
export async function readRequest(type: string, body: Buffer, query: URLSearchParams): Promise<ReadRequest> {
  const kind = type.split(";", 1)[0]!.trim().toLowerCase();
  if (kind === "application/json") return { fields: jsonOf(body) };
  if (kind === "multipart/form-data") return readForm(type, body);
  if (kind.startsWith("image/") || kind === "application/octet-stream")
    return { fields: textFields(query), picture: bytesOf(body) };
  throw new Refusal(
    415,
    "the content type must be application/json, multipart/form-data, image/* or application/octet-stream",
  );
}

/** Checks a request. Throws InputError that lists what is wrong. */
export function checked(schema: z.ZodType, { fields, picture }: ReadRequest): object {
  // The schema wants a picture; this one came beside the fields.
  const given = picture && isObject(fields) ? { ...fields, image: { base64: "beside" } } : fields;
  return parsedBy(schema, given) as object;
}

/** A value of a schema. Throws InputError that lists what is wrong. */
export function parsedBy<Value>(schema: z.ZodType<Value>, given: unknown): Value {
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  throw new InputError(z.prettifyError(result.error).slice(0, LONGEST_PROBLEM));
}

/** The value of a JSON body. */
export function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch (error) {
    throw new InputError(`the body is not JSON (${(error as Error).message.slice(0, 200)})`);
  }
}

/** The bytes of a base64 text, which may start with "data:…;base64,". */
export function bytesOfBase64(text: string): Uint8Array {
  const data = text.startsWith("data:") ? text.slice(text.indexOf(",") + 1) : text;
  const bytes = bytesOf(Buffer.from(data, "base64"));
  return bytes.length > 0 ? bytes : refuseEmpty();
}

async function readForm(type: string, body: Buffer): Promise<ReadRequest> {
  const form = await new Response(bytesOf(body), { headers: { "content-type": type } }).formData().catch(() => {
    throw new InputError("the body is not multipart/form-data as its header says");
  });
  const picture = form.get("image");
  const request = form.get("request");
  const texts = [...form].filter((field): field is [string, string] => typeof field[1] === "string");
  const fields =
    typeof request === "string" ? jsonOf(Buffer.from(request)) : textFields(texts.filter(([name]) => name !== "image"));
  if (typeof picture === "string" || picture === null) return { fields };
  if (picture.size === 0) refuseEmpty();
  return { fields, picture: new Uint8Array(await picture.arrayBuffer()) };
}

function textFields(entries: Iterable<[string, string]>): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const [name, text] of entries) {
    if (name === API_KEY) continue;
    if (lists.has(name)) fields[name] = [...((fields[name] as string[]) ?? []), ...itemsOf(name, text)];
    else if (numbers.has(name) && text.trim() !== "" && !Number.isNaN(Number(text))) fields[name] = Number(text);
    else if (flags.has(name) && /^(true|false)$/.test(text)) fields[name] = text === "true";
    else fields[name] = text;
  }
  return fields;
}

function itemsOf(name: string, text: string): string[] {
  if (!separated.has(name)) return [text];
  return text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}

/** With memory of their own, so that only they are sent to a worker. */
function bytesOf(buffer: Buffer): Uint8Array<ArrayBuffer> {
  return new Uint8Array(buffer);
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function refuseEmpty(): never {
  throw new InputError("the picture is empty; send the bytes of a picture file");
}
