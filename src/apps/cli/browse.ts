/** `groundling browse`: a page or a contact sheet of a dataset with its boxes and words. */

import { dirname, extname, join } from "node:path";
import { createCanvas, loadImage } from "@napi-rs/canvas";
import { type Command, Option } from "commander";
import { z } from "zod";
import { InputError } from "../../errors.ts";
import { fileWithin, readTextFile } from "../../files/read-file.ts";
import { writeWhole } from "../../files/write-whole.ts";
import { readPictureFile } from "../../inputs/pictures/picture-file.ts";
import { say } from "./writing.ts";

const annotationFile = z.object({
  images: z.array(
    z.object({
      id: z.union([z.number(), z.string()]),
      file_name: z.string(),
      width: z.number(),
      height: z.number(),
      caption: z.string().optional(),
    }),
  ),
  annotations: z.array(
    z.object({
      image_id: z.union([z.number(), z.string()]),
      category_id: z.number().optional(),
      bbox: z.tuple([z.number(), z.number(), z.number(), z.number()]),
      tokens_positive: z.array(z.tuple([z.number(), z.number()])).optional(),
    }),
  ),
  categories: z.array(z.object({ id: z.number(), name: z.string() })).default([]),
});

interface Card {
  readonly folder: string;
  readonly title: string;
  readonly caption: string;
  readonly width: number;
  readonly height: number;
  readonly boxes: readonly { readonly words: string; readonly xywh: readonly [number, number, number, number] }[];
}

interface Choices {
  readonly images?: string;
  readonly out: string;
  readonly start: number;
  readonly count: number;
}

/** Adds the command to the program. */
export function addBrowseCommand(program: Command): void {
  program
    .command("browse <annotations>")
    .description("look at a dataset in COCO's or MDETR's form: a self-contained page (.html) or a contact sheet (.png)")
    .option("--images <folder>", "folder of the pictures (default: images/ beside the annotations)")
    .addOption(new Option("--out <file>", "page or sheet to write").default("browse.html"))
    .addOption(new Option("--start <number>", "first picture").default(0).argParser(Number))
    .addOption(new Option("--count <number>", "how many pictures").default(24).argParser(Number))
    .action(async (annotations: string, { images, out, start, count }: Choices) => {
      const cards = readCards(annotations, images).slice(start, start + count);
      if (cards.length === 0) throw new InputError(`${annotations} has no picture from number ${start} on`);
      const content = extname(out) === ".png" ? await sheetOf(cards) : await pageOf(annotations, cards);
      await writeWhole(out, content);
      say(`${cards.length} pictures in ${out}\n`);
    });
}

function readCards(file: string, folder = join(dirname(file), "images")): Card[] {
  const text = readTextFile(file);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new InputError(`${file} cannot be read as annotations: ${error instanceof Error ? error.message : error}`);
  }
  const parsed = annotationFile.safeParse(json);
  if (!parsed.success) throw new InputError(`${file} is not in COCO's form:\n${z.prettifyError(parsed.error)}`);
  const { images, annotations, categories } = parsed.data;
  const names = new Map(categories.map(({ id, name }) => [id, name]));
  return images.map(({ id, file_name, width, height, caption = "" }) => ({
    folder,
    title: file_name,
    caption,
    width,
    height,
    boxes: annotations
      .filter((annotation) => annotation.image_id === id)
      .map(({ bbox, category_id, tokens_positive }) => ({
        xywh: bbox,
        words:
          tokens_positive?.map(([start, end]) => caption.slice(start, end)).join(", ") ??
          names.get(category_id ?? -1) ??
          "",
      })),
  }));
}

function pictureOf({ folder, title }: Card): Promise<{ bytes: Buffer; kind: string }> {
  const path = fileWithin(folder, title);
  if (path === undefined)
    throw new InputError(`picture ${join(folder, title)} is missing; give the folder of the pictures by --images`);
  return readPictureFile(path);
}

async function pageOf(file: string, cards: readonly Card[]): Promise<string> {
  const figures: string[] = [];
  for (const card of cards) {
    const { kind, bytes } = await pictureOf(card);
    const boxes = card.boxes.map(
      ({ words, xywh: [x, y, width, height] }, i) =>
        `<g style="--tone:${toneOf(i)}"><rect x="${x}" y="${y}" width="${width}" height="${height}"/>` +
        `<text x="${x + 2}" y="${y + 11}">${escaped(words)}</text></g>`,
    );
    figures.push(
      `<figure><svg viewBox="0 0 ${card.width} ${card.height}"><image width="${card.width}" height="${card.height}" href="data:image/${kind};base64,${bytes.toString("base64")}"/>${boxes.join("")}</svg><figcaption>${escaped(card.caption || card.title)}</figcaption></figure>`,
    );
  }
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>${escaped(file)}</title><style>
body{font:14px system-ui,sans-serif;margin:1rem;display:grid;grid-template-columns:repeat(auto-fill,minmax(260px,1fr));gap:1rem}
figure{margin:0}svg{width:100%;display:block}figcaption{margin-top:.3rem}
rect{fill:none;stroke:var(--tone);stroke-width:1.5}rect:hover{fill:color-mix(in srgb,var(--tone) 25%,transparent)}
text{font-size:10px;fill:var(--tone);paint-order:stroke;stroke:#000;stroke-width:2px;pointer-events:none}
</style>${figures.join("\n")}</html>\n`;
}

async function sheetOf(cards: readonly Card[]): Promise<Buffer> {
  const cell = 256;
  const columns = Math.min(6, cards.length);
  const canvas = createCanvas(columns * cell, Math.ceil(cards.length / columns) * cell);
  const context = canvas.getContext("2d");
  context.font = "12px sans-serif";
  for (const [number, card] of cards.entries()) {
    const scale = cell / Math.max(card.width, card.height);
    context.setTransform(1, 0, 0, 1, (number % columns) * cell, Math.floor(number / columns) * cell);
    context.drawImage(await loadImage((await pictureOf(card)).bytes), 0, 0, card.width * scale, card.height * scale);
    card.boxes.forEach(({ words, xywh }, i) => {
      const [x, y, width, height] = xywh.map((length) => length * scale) as [number, number, number, number];
      context.strokeStyle = context.fillStyle = toneOf(i);
      context.lineWidth = 1.5;
      context.strokeRect(x, y, width, height);
      context.lineWidth = 3;
      context.strokeStyle = "#000";
      context.strokeText(words, x + 3, y + 13);
      context.fillText(words, x + 3, y + 13);
    });
  }
  return canvas.toBuffer("image/png");
}

/** Hues far apart for boxes that follow one another. */
function toneOf(i: number): string {
  return `hsl(${(i * 137) % 360} 95% 60%)`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);
}
