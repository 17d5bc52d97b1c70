// Gathers the photos of the split "real" from Debian packages into OUT, with our boxes as instances.json:
// node --import tsx scripts/world/real-photos.ts OUT
// Nothing is installed: packages are downloaded (about 130 MB) and unpacked into a temporary folder. Needs apt-get and dpkg-deb.
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";

const [out] = process.argv.slice(2);
if (!out) throw new Error("give the folder to fill: scripts/world/real-photos.ts OUT");
const text = readFileSync(new URL("../../assets/world/real-photos.json", import.meta.url), "utf8");
const { images } = JSON.parse(text) as {
  images: { file_name: string; package: string; source: string; width: number; height: number }[];
};

const folder = mkdtempSync(join(tmpdir(), "photos-"));
const packages = [...new Set(images.map((image) => image.package))];
execFileSync("apt-get", ["download", ...packages], { cwd: folder, stdio: ["ignore", "inherit", "ignore"] });
for (const archive of readdirSync(folder).filter((name) => name.endsWith(".deb")))
  execFileSync("dpkg-deb", ["-x", join(folder, archive), join(folder, "files")]);
mkdirSync(join(out, "images"), { recursive: true });
for (const { file_name, source, width, height } of images) {
  const photo = join(folder, "files", source);
  const found = await sharp(photo).metadata();
  if (found.width !== width || found.height !== height)
    throw new Error(
      `${source} is ${found.width}×${found.height}, our boxes are for ${width}×${height}: another package version?`,
    );
  copyFileSync(photo, join(out, "images", file_name));
}
writeFileSync(join(out, "instances.json"), text);
rmSync(folder, { recursive: true });
console.log(`${images.length} photos in ${out}`);
