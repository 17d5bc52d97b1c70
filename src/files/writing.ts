/** Whole files or none; errors of the disk name the file and the mend. */

import { mkdir, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { InputError } from "../errors.ts";

const mends: Record<string, string> = {
  ENOSPC: "free some space on its disk",
  EDQUOT: "free some of the quota on its disk",
  EFBIG: "raise the limit on file sizes",
};

/** Does something that writes `file`; an InputError that names it where the system refuses. */
export async function writing<Result>(file: string, work: () => Promise<Result> | Result): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Error && "syscall" in error && "code" in error)) throw error;
    const mend = mends[String(error.code)] ?? "check that its folder exists and may be written";
    throw new InputError(`${file}: cannot be written (${error.code}); ${mend}`, { cause: error });
  }
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
