// Prints the drawings that stop the renderer's whole process, for the list "dropped" in assets/world/names.json:
// node --import tsx scripts/world/crashes.ts
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { readNameTable } from "../../src/data/scenes/names.ts";
import { renderIcon } from "../../src/data/scenes/sprites.ts";

const table = readNameTable();
const [style, start] = process.argv.slice(2);
const icons = [...table.names.values(), ...table.novel.values()].flat();
if (style) {
  icons.slice(Number(start)).forEach((icon, i) => {
    process.stderr.write(`${Number(start) + i}\n`);
    const id = table.idIn(style, icon);
    if (id) renderIcon(style, id);
  });
} else {
  for (const each of [...table.trainingStyles, ...table.heldOutStyles])
    for (let from = 0; from < icons.length; ) {
      const command = ["--import", "tsx", fileURLToPath(import.meta.url), each, String(from)];
      const { status, stderr } = spawnSync(process.execPath, command, { encoding: "utf8" });
      if (status === 0) break;
      const last = Number(/(\d+)\n(?!\d)/.exec(stderr)?.[1]);
      console.log(`${each}:${icons[last]}`);
      from = last + 1;
    }
}
