/** What commands print and write. */

import { mkdir, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { writing } from "../../engine/writing.ts";

/** Prints on stdout. */
export function print(text: string): void {
  process.stdout.write(text);
}

/** Writes a file at a path in a folder, which appears when it is whole; answers with where it lies. */
export async function writeInto(folder: string, path: string, content: string | Uint8Array): Promise<string> {
  const file = join(folder, path);
  await writing(file, async () => {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(`${file}.part`, content);
    await rename(`${file}.part`, file);
  });
  return file;
}
