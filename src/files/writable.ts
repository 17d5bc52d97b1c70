/** Checks before the work starts whether its result can be written. */

import { closeSync, rmSync, statSync, writeSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { InputError } from "../errors.ts";
import { openNewNow, temporaryName } from "./write-whole.ts";
import { writingNow } from "./writing.ts";

/** Refuses a place where no file could be written: a folder or device, or a folder that may not be written. Leaves nothing there. */
export function checkWritableFile(file: string): void {
  const found = factsOf(file);
  if (found && !found.isFile())
    throw new InputError(
      `${file}: ${found.isDirectory() ? "is a folder" : "is not a regular file"}; give a file to write`,
    );
  tryWriting(file, dirname(resolve(file)));
}

/** Refuses a place where no folder could be made or filled. Leaves nothing there. */
export function checkWritableFolder(folder: string): void {
  const found = factsOf(folder);
  if (found && !found.isDirectory())
    throw new InputError(`${folder}: ${found.isFile() ? "is a file" : "is not a folder"}; give a folder to write into`);
  tryWriting(folder, resolve(folder));
}

/** Makes a file in the nearest folder that is there, and removes it. A byte is written: a full disk takes an empty file. */
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
