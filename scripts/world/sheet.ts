// A contact sheet of drawings, for choosing them by eye: node --import tsx scripts/world/sheet.ts SPRITES OUT.png [FIRST [COUNT]]
// One row per name and icon, one column per style; what is missing stays empty.

import { writeFileSync } from "node:fs";
import { createCanvas, ImageData } from "@napi-rs/canvas";
import { readNameTable } from "../../src/data/scenes/names.ts";
import { loadSprites } from "../../src/data/scenes/sprites.ts";

const [folder = "runs/sprites", out = "sheet.png", first = "0", count = "48"] = process.argv.slice(2);
const table = readNameTable();
const styles = [...table.trainingStyles, ...table.heldOutStyles];
const sprites = new Map(
  styles.flatMap((style) => loadSprites(folder, style, table)).map((s) => [`${s.style}:${s.name}:${s.icon}`, s]),
);
const rows = [...table.names, ...table.novel]
  .flatMap(([name, icons]) => icons.map((icon) => ({ name, icon })))
  .slice(Number(first), Number(first) + Number(count));

const cell = 64;
const block = styles.length * cell + 130;
const perColumn = Math.ceil(rows.length / 3);
const canvas = createCanvas(block * 3, perColumn * cell);
const context = canvas.getContext("2d");
context.fillStyle = "#ddd";
context.fillRect(0, 0, canvas.width, canvas.height);
context.font = "12px sans-serif";
rows.forEach(({ name, icon }, i) => {
  const left = Math.floor(i / perColumn) * block;
  const top = (i % perColumn) * cell;
  context.fillStyle = "#000";
  context.fillText(name, left + 4, top + 26);
  context.fillText(icon, left + 4, top + 44);
  styles.forEach((style, column) => {
    const sprite = sprites.get(`${style}:${name}:${icon}`);
    if (!sprite) return;
    const drawing = createCanvas(sprite.width, sprite.height);
    const straight = new Uint8ClampedArray(sprite.pixels);
    for (let at = 0; at < straight.length; at += 4)
      for (let c = 0; c < 3; c++)
        straight[at + c] = ((straight[at + c] ?? 0) * 255) / Math.max(1, straight[at + 3] ?? 0);
    drawing.getContext("2d").putImageData(new ImageData(straight, sprite.width, sprite.height), 0, 0);
    const scale = (cell - 4) / Math.max(sprite.width, sprite.height);
    context.drawImage(drawing, left + 130 + column * cell, top + 2, sprite.width * scale, sprite.height * scale);
  });
});
writeFileSync(out, canvas.toBuffer("image/png"));
