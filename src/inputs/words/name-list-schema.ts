/** How names.json is checked. */

import { z } from "zod";
import type { StoredNames } from "./name-list.ts";

export const nameListSchema: z.ZodType<StoredNames> = z.strictObject({
  trained: z.array(z.string().min(1)),
  photos: z.record(z.string(), z.array(z.string().min(1))),
  emoji: z.record(z.string(), z.string().min(1)),
});
