/** Checks before the work starts whether its result can be written. */

import { closeSync, rmSync, statSync, writeSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { InputError } from "../errors.ts";
import { openNewNow, temporaryName } from "./write-whole.ts";
import { writingNow } from "./writing.ts";

/** Checks that a file can be written; fails for a folder, a device, and a folder without write permission. Leaves no file behind. */
export function checkWritableFile(file: string): void {
  const found = factsOf(file);
  if (found && !found.isFile())
    throw new InputError(
      `${file}: ${found.isDirectory() ? "is a folder" : "is not a regular file"}; give a file to write`,
    );
  tryWriting(file, dirname(resolve(file)));
}

/** Checks that a folder can be created or filled. Leaves no file behind. */
export function checkWritableFolder(folder: string): void {
  const found = factsOf(folder);
  if (found && !found.isDirectory())
    throw new InputError(`${folder}: ${found.isFile() ? "is a file" : "is not a folder"}; give a folder to write into`);
  tryWriting(folder, resolve(folder));
}

/** Creates a file in the nearest existing folder and removes it. Writes a byte, because a full disk accepts an empty file. */
function tryWriting(place: string, folder: string): void {
  let nearest = folder;
  for (let facts = factsOf(nearest); !facts?.isDirectory(); facts = factsOf(nearest)) {
    const above = dirname(nearest);
    if (facts || above === nearest)
      throw new InputError(
        `${place}: cannot be written: ${nearest} ${facts ? "is not a folder; give another place" : "does not exist; is its drive connected?"}`,
      );
    nearest = above;
  }
  const draft = temporaryName(join(nearest, "groundling"));
  writingNow(place, () => {
    try {
      const handle = openNewNow(draft);
      try {
        writeSync(handle, "x");
      } finally {
        closeSync(handle);
      }
    } finally {
      rmSync(draft, { force: true });
    }
  });
}

function factsOf(path: string) {
  return writingNow(path, () => statSync(path, { throwIfNoEntry: false }));
}
