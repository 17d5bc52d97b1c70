/** Errors of the disk as errors that name the file and the mend. */

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
