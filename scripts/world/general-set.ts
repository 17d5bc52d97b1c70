/**
 * Makes the set with which `groundling adapt` measures forgetting: generated scenes that are not in the training data, as JPEG.
 *
 *     npx groundling scenes --everyday --split seen --seed 3900000 --count 32 --size 160 --objects 4 --out runs/general
 *     npx tsx scripts/world/general-set.ts runs/general assets/general
 */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";

const [from = "runs/general", to = "assets/general"] = process.argv.slice(2);
const scenes = JSON.parse(readFileSync(join(from, "instances.json"), "utf8"));
mkdirSync(join(to, "images"), { recursive: true });
for (const picture of scenes.images) {
  const drawn = join(from, "images", picture.file_name);
  picture.file_name = picture.file_name.replace(".png", ".jpg");
  delete picture.not_exhaustive_category_ids;
  await sharp(drawn)
    .jpeg({ quality: 85 })
    .toFile(join(to, "images", picture.file_name));
}
for (const box of scenes.annotations) delete box.segmentation;
writeFileSync(join(to, "instances.json"), `${JSON.stringify(scenes)}\n`);
