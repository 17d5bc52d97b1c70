/** sharp, by `require`: importing it takes 100 ms of processor time more, most of it to look for names in its dependencies. */

import { createRequire } from "node:module";

export const sharp: typeof import("sharp").default = createRequire(import.meta.url)("sharp");
