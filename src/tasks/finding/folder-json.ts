/** The JSON files of a model folder, checked. */

import type { PreparationFile } from "../../inputs/pictures/preparation.ts";
import { preparationSchema } from "../../inputs/pictures/preparation-schema.ts";
import type { StoredNames } from "../../inputs/words/name-list.ts";
import { nameListSchema } from "../../inputs/words/name-list-schema.ts";
import type { ModelType } from "../../models/families.ts";
import { readConfigFile } from "../../models/schemas.ts";
import { parsedJson } from "../../weights/parsed-json.ts";

/** Reads the text of each file; `place` is its path or address. */
export interface FolderJson {
  config(text: string, place: string): { type: ModelType; config: unknown };
  preparation(text: string, place: string): PreparationFile;
  names(text: string, place: string): StoredNames;
}

/** Throws WeightsError, which names the place, for a malformed file. */
export const checkedJson: FolderJson = {
  config: readConfigFile,
  preparation: (text, place) => parsedJson(text, place, preparationSchema),
  names: (text, place) => parsedJson(text, place, nameListSchema),
};
