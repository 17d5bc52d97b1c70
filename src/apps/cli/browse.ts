/** `groundling browse`: a web page or a contact sheet of a dataset with its boxes and captions. */

import { extname } from "node:path";
import { type Command, Option } from "commander";
import type { DatasetImage, ImageRange } from "../../data/readers/dataset.ts";
import { type DatasetChoice, openDataset } from "../../data/readers/find-dataset.ts";
import { picturesIn } from "../../data/readers/folders.ts";
import { pictureAt } from "../../data/readers/tar-pictures.ts";
import { InputError } from "../../errors.ts";
import { optional } from "../../files/optional-package.ts";
import { writeWhole } from "../../files/write-whole.ts";
import { xmlText } from "../../files/xml-text.ts";
import { pictureFacts, readPictureFile } from "../../inputs/pictures/picture-file.ts";
import { datasetOptions } from "./dataset-options.ts";
import { wholeNumber } from "./numbers.ts";
import { say } from "./writing.ts";

interface Card {
  readonly path: string;
  readonly title: string;
  readonly caption: string;
  readonly width: number;
  readonly height: number;
  readonly boxes: readonly { readonly words: string; readonly xywh: readonly [number, number, number, number] }[];
}

interface Choices extends DatasetChoice {
  readonly out: string;
  readonly start: number;
  readonly count: number;
}

/** Adds the command to the program. */
export function addBrowseCommand(program: Command): void {
  program
    .command("browse <dataset>")
    .description(
      "Show a dataset with its boxes and captions as a self-contained web page (.html) or a contact sheet (.png).",
    )
    .addOption(datasetOptions.images())
    .addOption(datasetOptions.as())
    .addOption(datasetOptions.split())
    .addOption(new Option("--out <file>", "output file, .html or .png").default("browse.html"))
    .addOption(
      new Option("--start <number>", "first picture, counted from 0").default(0).argParser(wholeNumber(0, 1e9)),
    )
    .addOption(new Option("--count <number>", "number of pictures").default(24).argParser(wholeNumber(1, 10_000)))
    .action(async (annotations: string, { out, start, count, ...choice }: Choices) => {
      const cards = await readCards(annotations, choice, { start, count });
      if (cards.length === 0) throw new InputError(`${annotations} has no picture from number ${start} on`);
      const content = extname(out) === ".png" ? await sheetOf(cards) : await pageOf(annotations, cards);
      await writeWhole(out, content);
      say(`${cards.length} pictures in ${out}\n`);
    });
}

/** The pictures to show. Boxes are labelled with the words of their captions, or with their class names. */
async function readCards(path: string, choice: DatasetChoice, shown: ImageRange): Promise<Card[]> {
  const { dataset, pictures, problems } = await openDataset(path, { ...choice, shown });
  const { labels, images } = dataset;
  if (images.length === 0) problems.refuseErrors(path);
  const paths = picturesIn(
    pictures,
    images.map(({ file }) => file),
  );
  const names = new Map(labels.map(({ id, name }) => [id, name]));
  return images.map((image, i) => ({
    path: paths[i]!,
    title: image.file,
    caption: image.captions.map(({ text }) => text).join(" · "),
    width: image.width,
    height: image.height,
    boxes: image.objects.map(({ xywh, label }, place) => ({
      xywh,
      words: wordsOf(image, place) || (names.get(label ?? -1) ?? ""),
    })),
  }));
}

/** The parts of the captions that refer to an object. */
function wordsOf({ captions }: DatasetImage, place: number): string {
  const said = captions.flatMap(({ text, phrases }) =>
    phrases
      .filter(({ objects }) => objects.includes(place))
      .flatMap(({ spans }) => spans.map(([start, end]) => text.slice(start, end))),
  );
  return [...new Set(said)].join(", ");
}

async function pictureOf({ path }: Card): Promise<{ bytes: Buffer; kind: string }> {
  const picture = pictureAt(path);
  if (typeof picture === "string") return readPictureFile(picture);
  return { bytes: picture, ...(await pictureFacts(picture, path)) };
}

async function pageOf(file: string, cards: readonly Card[]): Promise<string> {
  const figures: string[] = [];
  for (const card of cards) {
    const { kind, bytes } = await pictureOf(card);
    const boxes = card.boxes.map(
      ({ words, xywh: [x, y, width, height] }, i) =>
        `<g style="--tone:${toneOf(i)}"><rect x="${x}" y="${y}" width="${width}" height="${height}"/>` +
        `<text x="${x + 2}" y="${y + 11}">${xmlText(words)}</text></g>`,
    );
    figures.push(
      `<figure><svg viewBox="0 0 ${card.width} ${card.height}"><image width="${card.width}" height="${card.height}" href="data:image/${kind};base64,${bytes.toString("base64")}"/>${boxes.join("")}</svg><figcaption>${xmlText(card.caption || card.title)}</figcaption></figure>`,
    );
  }
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>${xmlText(file)}</title><style>
body{font:14px system-ui,sans-serif;margin:1rem;display:grid;grid-template-columns:repeat(auto-fill,minmax(260px,1fr));gap:1rem}
figure{margin:0}svg{width:100%;display:block}figcaption{margin-top:.3rem}
rect{fill:none;stroke:var(--tone);stroke-width:1.5}rect:hover{fill:color-mix(in srgb,var(--tone) 25%,transparent)}
text{font-size:10px;fill:var(--tone);paint-order:stroke;stroke:#000;stroke-width:2px;pointer-events:none}
</style>${figures.join("\n")}</html>\n`;
}

async function sheetOf(cards: readonly Card[]): Promise<Buffer> {
  const cell = 256;
  const columns = Math.min(6, cards.length);
  const { createCanvas, loadImage } = await optional(() => import("@napi-rs/canvas"), {
    purpose: "a contact sheet",
    packages: ["@napi-rs/canvas"],
  });
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

/** Different hues for consecutive boxes. */
function toneOf(i: number): string {
  return `hsl(${(i * 137) % 360} 95% 60%)`;
}
