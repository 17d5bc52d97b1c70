/** Errors of the file system, with the file and how to fix them. */

import { InputError } from "../errors.ts";

const remedies: Record<string, string> = {
  ENOSPC: "free some space on its disk",
  EDQUOT: "free some of the quota on its disk",
  EFBIG: "raise the limit on file sizes",
  ENAMETOOLONG: "choose a shorter name",
};

/** Runs work that writes `file`. If the system refuses, throws an InputError that names the file. */
export async function writing<Result>(file: string, work: () => Promise<Result> | Result): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw writingError(file, error);
  }
}

/** The same for synchronous work. */
export function writingNow<Result>(file: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    throw writingError(file, error);
  }
}

function writingError(file: string, error: unknown): unknown {
  if (!(error instanceof Error && "code" in error)) return error;
  if (error.code === "ERR_INVALID_ARG_VALUE" && file.includes("\0"))
    return new InputError(`${file.replaceAll("\0", "\\0")}: cannot be written (the path contains a NUL character)`, {
      cause: error,
    });
  if (!("syscall" in error)) return error;
  const remedy = remedies[String(error.code)] ?? "check that its folder exists and is writable";
  return new InputError(`${file}: cannot be written (${error.code}); ${remedy}`, { cause: error });
}
