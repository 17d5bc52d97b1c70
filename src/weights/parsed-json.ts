/** JSON files of a model folder; apart from strict-json.ts, so that reading weights loads no schema library. */

import { z } from "zod";
import { WeightsError } from "../errors.ts";

/** A text of JSON that must fit the schema. Throws WeightsError, which names `place`. */
export function parsedJson<Value>(text: string, place: string, schema: z.ZodType<Value>): Value {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch (error) {
    throw new WeightsError(`${place}: not JSON (${error instanceof Error ? error.message : error})`);
  }
  const checked = schema.safeParse(raw);
  if (!checked.success) throw new WeightsError(`${place}: ${z.prettifyError(checked.error)}`);
  return checked.data;
}
