// Gathers photos of walls, floors and soil for the world's option `grounds`, out of a game's textures:
// node --import tsx scripts/world/grounds.ts ROOT OUT.sprites
// ROOT is where Debian's ufoai-textures was unpacked: apt-get download ufoai-textures; dpkg-deb -x ufoai-textures_*.deb ROOT.
// Which textures, all public domain, CC BY or Expat, is in assets/world/grounds.json; nothing in them has a name.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { halved, type Layer } from "../../src/data/scenes/layers.ts";
import { type Sprite, writeSprites } from "../../src/data/scenes/sprites.ts";
import { unzip } from "./unzip.ts";

const [root, out] = process.argv.slice(2);
if (!root || !out) throw new Error("give the folder where the package is unpacked and the file to write");
const { archive, textures } = JSON.parse(
  readFileSync(new URL("../../assets/world/grounds.json", import.meta.url), "utf8"),
) as { archive: string; textures: string[] };

const files = await unzip(join(root, archive), (name) => textures.includes(name.replace("textures/", "")));
const grounds: Sprite[] = [];
for (const icon of textures) {
  const bytes = files.get(`textures/${icon}`);
  if (!bytes) throw new Error(`${icon} is not in ${archive}: another version of the package?`);
  const { data, info } = await sharp(bytes).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
  for (let at = 3; at < data.length; at += 4) data[at] = 255;
  let layer: Layer = { width: info.width, height: info.height, pixels: new Uint8Array(data) };
  while (Math.max(layer.width, layer.height) > 512) layer = halved(layer);
  grounds.push({ name: "ground", style: "photo", icon, ...layer });
}
writeSprites(out, grounds);
console.log(`${grounds.length} grounds in ${out}`);
