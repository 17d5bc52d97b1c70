/** Reports the files that this process opens with Node's functions. */

import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

const watched = [
  "openSync",
  "open",
  "readFileSync",
  "readFile",
  "writeFileSync",
  "writeFile",
  "appendFileSync",
  "createReadStream",
  "createWriteStream",
  "readdirSync",
  "rmSync",
  "renameSync",
  "mkdirSync",
] as const;
const watchedPromises = ["open", "readFile", "writeFile", "appendFile", "rm", "rename", "mkdir"] as const;

/** From now on, calls `opened` with the absolute path of each file or folder. */
export function watchFiles(opened: (path: string) => void): void {
  const tell = (path: unknown): void => {
    if (typeof path === "string") opened(resolve(path));
    else if (path instanceof URL) opened(fileURLToPath(path));
  };
  const wrap = (holder: object, names: readonly string[]): void => {
    for (const name of names) {
      const before: unknown = Reflect.get(holder, name);
      if (typeof before !== "function") continue;
      Reflect.set(holder, name, function (this: unknown, ...words: unknown[]): unknown {
        tell(words[0]);
        return Reflect.apply(before, this, words);
      });
    }
  };
  wrap(fs, watched);
  wrap(fs.promises, watchedPromises);
  syncBuiltinESMExports();
}
