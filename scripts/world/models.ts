// Renders furniture, vehicles, plants and animals of Sweet Home 3D's libraries into a file of drawings for the world's option
// `models`: node --import tsx scripts/world/models.ts FOLDER_OF_SH3F OUT.sprites
// The libraries are in Debian's sweethome3d-furniture: apt-get download sweethome3d-furniture; dpkg-deb -x … ; they lie in
// usr/share/sweethome3d/furniture. Takes a few minutes. Prints who made each model, for assets/world/LICENSES.md.
import { readdirSync, readFileSync } from "node:fs";
import { basename, join, posix } from "node:path";
import sharp from "sharp";
import { cutOut, type Sprite, writeSprites } from "../../src/data/scenes/sprites.ts";
import { unzip } from "./unzip.ts";
import { type Material, readTriangles, renderModel, type Texture, type View } from "./wavefront.ts";

const [folder, out] = process.argv.slice(2);
if (!folder || !out) throw new Error("give the folder of .sh3f files and the file to write");
const table = JSON.parse(readFileSync(new URL("../../assets/world/models.json", import.meta.url), "utf8")) as {
  names: Record<string, string[]>;
  dropped: string[];
};
const nameOf = new Map(Object.entries(table.names).flatMap(([name, titles]) => titles.map((title) => [title, name])));
const side = 112;
/** Seven views: front, quarters and sides, from slightly above to far above. */
const views: View[] = [
  [0, 0.05],
  [0.2, 0.12],
  [-0.25, 0.1],
  [0.42, 0.15],
  [-0.45, 0.06],
  [0.75, 0.12],
  [-0.8, 0.2],
].map(([around = 0, down = 0]) => ({ around, down }));

const textures = new Map<Buffer, Promise<Texture>>();
const sprites: Sprite[] = [];
const makers = new Map<string, Set<string>>();
for (const library of readdirSync(folder)
  .filter((name) => name.endsWith(".sh3f"))
  .sort()) {
  const files = await unzip(join(folder, library));
  const catalogue = readCatalogue(files.get("PluginFurnitureCatalog.properties")!.toString("latin1"));
  for (const { name: title, model, creator, id } of catalogue) {
    const name = nameOf.get(title ?? "");
    if (!name || !model || table.dropped.includes(id ?? "")) continue;
    try {
      const triangles = await readModel(files, model.replace(/^\//, ""));
      views.forEach((view, i) => {
        const pixels = renderModel(triangles, view, side);
        sprites.push({ name, style: "models", icon: `${id}/${i}`, ...cutOut({ pixels, width: side, height: side }) });
      });
      const set = `${basename(library, ".sh3f")}: ${creator ?? "unnamed"}`;
      makers.set(set, (makers.get(set) ?? new Set()).add(title!));
    } catch (error) {
      console.error(`left out ${id}: ${error instanceof Error ? error.message : error}`);
    }
  }
  console.error(`${library}: ${sprites.length} drawings so far`);
}
writeSprites(out, sprites);
for (const [maker, titles] of [...makers].sort()) console.log(`${maker} (${[...titles].sort().join(", ")})`);

/** Records of a numbered property file: name#12=Chair. */
function readCatalogue(text: string): Record<string, string>[] {
  const records: Record<string, string>[] = [];
  for (const [, key, number, value] of text.matchAll(/^(\w+)#(\d+)=(.*?)\r?$/gm))
    records[Number(number)] = { ...records[Number(number)], [key!]: value!.trim() };
  return records.filter(Boolean);
}

async function readModel(files: ReadonlyMap<string, Buffer>, path: string) {
  const bytes = files.get(decodeURIComponent(path));
  if (!bytes) throw new Error(`${path} is not in the library`);
  const text = bytes.toString("latin1");
  const materials = new Map<string, Material>();
  for (const [, library] of text.matchAll(/^mtllib (.*?)\r?$/gm))
    await readMaterials(files, posix.join(posix.dirname(decodeURIComponent(path)), library!.trim()), materials);
  return readTriangles(text, materials);
}

async function readMaterials(
  files: ReadonlyMap<string, Buffer>,
  path: string,
  materials: Map<string, Material>,
): Promise<void> {
  let material: Material | undefined;
  for (const line of (files.get(path)?.toString("latin1") ?? "").split("\n")) {
    const [key, ...words] = line.trim().split(/\s+/);
    if (key === "newmtl") {
      material = { colour: [180, 180, 180], opacity: 1, texture: undefined };
      materials.set(words.join(" "), material);
    } else if (!material) continue;
    else if (key === "Kd")
      material.colour = words.slice(0, 3).map((word) => Number(word) * 255) as [number, number, number];
    else if (key === "d") material.opacity = Number(words[0]);
    else if (key === "map_Kd")
      material.texture = await readTexture(files, posix.join(posix.dirname(path), words.at(-1)!));
  }
}

function readTexture(files: ReadonlyMap<string, Buffer>, path: string): Promise<Texture> | undefined {
  const bytes = files.get(path);
  if (!bytes) return undefined;
  let texture = textures.get(bytes);
  if (!texture) {
    const small = sharp(bytes)
      .resize({ width: 256, height: 256, fit: "inside", withoutEnlargement: true })
      .ensureAlpha();
    texture = small
      .raw()
      .toBuffer({ resolveWithObject: true })
      .then(({ data, info }) => ({ data, width: info.width, height: info.height }));
    textures.set(bytes, texture);
  }
  return texture;
}
