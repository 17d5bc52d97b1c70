/** URLs of pictures given as text. */

import { fileURLToPath } from "node:url";
import { InputError } from "../../errors.ts";

const ADDRESS = /^(?:https?|data|file):/i;
const LONGEST_NAME = 60;

/** The URL in a text; undefined for a path. Throws InputError if it is malformed. */
export function addressOf(text: string): URL | undefined {
  if (!ADDRESS.test(text)) return undefined;
  if (URL.canParse(text)) return new URL(text);
  throw malformed(text);
}

/** The path in a file: URL. Throws InputError for another host, or an escaped slash. */
export function pathOfAddress(address: URL): string {
  try {
    return fileURLToPath(address);
  } catch {
    throw malformed(address.href);
  }
}

function malformed(text: string): InputError {
  const name = text.length > LONGEST_NAME ? `${text.slice(0, LONGEST_NAME)}…` : text;
  return new InputError(
    `${name} is not a valid URL; write it as https://host/picture.jpg or file:///folder/picture.jpg`,
  );
}
