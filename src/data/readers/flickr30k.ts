/** Flickr30k Entities as published: `Annotations/*.xml`, `Sentences/*.txt` and one list of images per subset. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../../errors.ts";
import { fileWithin, readTextFile } from "../../files/read-file.ts";
import { checkBox } from "./box-checks.ts";
import { type Dataset, type DatasetImage, type Xyxy, xywhOfXyxy } from "./dataset.ts";
import type { FoundSet } from "./format-row.ts";
import { Problems } from "./problems.ts";
import { childrenOf, numberIn, parseXml } from "./xml.ts";

export interface FlickrPhrase {
  /** Index of its first word in the sentence. */
  first_word_index: number;
  phrase: string;
  phrase_id: string;
  /** One or more of people, clothing, bodyparts, animals, vehicles, instruments, scene, other, notvisual. */
  phrase_type: string[];
}

export interface FlickrSentence {
  /** The words, without markup, separated by single spaces. */
  sentence: string;
  phrases: FlickrPhrase[];
}

export interface FlickrAnnotations {
  width: number;
  height: number;
  depth: number;
  /** xyxy boxes in picture pixels by phrase id. */
  boxes: Record<string, number[][]>;
  /** Ids that have no box by annotation, and ids that are the whole scene. */
  nobox: string[];
  scene: string[];
}

export interface FlickrImage {
  id: string;
  annotations: FlickrAnnotations;
  sentences: FlickrSentence[];
}

/** A folder with `Annotations/` and `Sentences/`. */
export function findFlickr30k(path: string): FoundSet[] {
  if (!["Annotations", "Sentences"].every((name) => existsSync(join(path, name)))) return [];
  return [{ path, pictures: [join(path, "flickr30k-images"), join(path, "images"), path] }];
}

/**
 * Reads a subset ("train", "val", "test").
 * @throws InputError that lists the files and lines with errors.
 */
export async function readFlickr30k(folder: string, subset: string): Promise<FlickrImage[]> {
  const problems = new Problems();
  const images = await readImages(folder, subset, problems);
  problems.refuseErrors(folder);
  return images;
}

async function readImages(folder: string, subset: string, problems: Problems): Promise<FlickrImage[]> {
  const list = await readText(folder, `${subset}.txt`);
  const file = join(folder, `${subset}.txt`);
  const images: FlickrImage[] = [];
  const read = new Set<string>();
  for (const [index, line] of list.split("\n").entries()) {
    const id = line.trim();
    if (id === "") continue;
    if (read.has(id)) {
      problems.error({ file, line: index + 1 }, `${id} is listed twice`);
      continue;
    }
    read.add(id);
    const annotations = await parsed([folder, "Annotations", `${id}.xml`], parseFlickrAnnotations, problems);
    const sentences = await parsed([folder, "Sentences", `${id}.txt`], parseFlickrSentences, problems);
    if (annotations && sentences) images.push({ id, annotations, sentences });
  }
  return images;
}

/** The content of a file, or undefined after its error is reported. */
async function parsed<T>(
  [folder, ...parts]: readonly [string, ...string[]],
  parse: (source: string, file: string, problems: Problems) => T,
  problems: Problems,
): Promise<T | undefined> {
  const file = join(folder, ...parts);
  try {
    return parse(await readText(folder, ...parts), file, problems);
  } catch (error) {
    problems.caught(error, file);
    return undefined;
  }
}

async function readText(folder: string, ...parts: string[]): Promise<string> {
  const file = join(folder, ...parts);
  try {
    return readTextFile(fileWithin(folder, join(...parts)) ?? file);
  } catch {
    throw new InputError(
      `${file} cannot be read; Flickr30k Entities needs Annotations/, Sentences/ and a list of images per subset`,
    );
  }
}

/** Reads `[/EN#id/type/… some words]` markup; empty lines are skipped. Errors are added to `problems`. */
function parseFlickrSentences(source: string, file: string, problems: Problems): FlickrSentence[] {
  const sentences: FlickrSentence[] = [];
  for (const [index, line] of source.split("\n").entries()) {
    if (line === "") continue;
    const fail = (message: string) => problems.error({ file, line: index + 1 }, message);
    const words: string[] = [];
    const phrases: FlickrPhrase[] = [];
    let open: FlickrPhrase | undefined;
    for (const token of line.split(/\s+/).filter((word) => word !== "")) {
      if (!open && token.startsWith("[")) {
        const [, id = "", ...types] = token.split("/");
        if (!id.startsWith("EN#")) fail(`${token} is not [/EN#id/type`);
        open = { first_word_index: words.length, phrase: "", phrase_id: id.slice(3), phrase_type: types };
        continue;
      }
      const isLast = open !== undefined && token.endsWith("]");
      const word = isLast ? token.slice(0, -1) : token;
      words.push(word);
      if (open) open.phrase += (open.phrase === "" ? "" : " ") + word;
      if (open && isLast) {
        phrases.push(open);
        open = undefined;
      }
    }
    if (open) fail(`phrase ${open.phrase_id} has no closing ]`);
    sentences.push({ sentence: words.join(" "), phrases });
  }
  return sentences;
}

/**
 * Reads the boxes of one picture; an object may have several ids. Errors in an object are added to `problems`.
 * @throws InputError with file and line if the file is not XML or the picture has no size.
 */
function parseFlickrAnnotations(source: string, file: string, problems: Problems): FlickrAnnotations {
  const root = parseXml(source, file);
  const size = childrenOf(root, "size")[0];
  if (!size) throw new InputError(`${file}:${root.line}: there is no <size>`);
  const [width, height, depth] = ["width", "height", "depth"].map((name) => numberIn(size, name, file));
  const annotations: FlickrAnnotations = {
    width: width!,
    height: height!,
    depth: depth!,
    boxes: {},
    nobox: [],
    scene: [],
  };
  const boxes = new Map<string, number[][]>();
  for (const object of childrenOf(root, "object")) {
    const box = childrenOf(object, "bndbox")[0];
    const names = childrenOf(object, "name").map(({ text }) => text);
    try {
      if (box) {
        const corners = ["xmin", "ymin", "xmax", "ymax"].map((side) => numberIn(box, side, file));
        for (const id of names) {
          const known = boxes.get(id);
          if (known) known.push(corners);
          else boxes.set(id, [corners]);
        }
        continue;
      }
      if (numberIn(object, "nobndbox", file) > 0) annotations.nobox.push(...names);
      if (numberIn(object, "scene", file) > 0) annotations.scene.push(...names);
    } catch (error) {
      problems.caught(error, file);
    }
  }
  return { ...annotations, boxes: Object.fromEntries(boxes) };
}

/** Reads a subset as a dataset: five captions per picture, whose phrases have the boxes of their ids. Errors are added to `problems`. */
export async function datasetOfFlickr30k(folder: string, subset: string, problems: Problems): Promise<Dataset> {
  const images = await readImages(folder, subset, problems);
  return { labels: [], images: images.map((image) => datasetImage(image, folder, problems)) };
}

function datasetImage({ id, annotations, sentences }: FlickrImage, folder: string, problems: Problems): DatasetImage {
  const { width, height, boxes } = annotations;
  const image: DatasetImage = { id, file: `${id}.jpg`, width, height, objects: [], captions: [] };
  const objects = new Map<string, number[]>();
  const place = { file: join(folder, "Annotations", `${id}.xml`) };
  for (const [phrase, corners] of Object.entries(boxes)) {
    const places = corners.map((box) => {
      const xywh = xywhOfXyxy(box as Xyxy);
      checkBox(xywh, image, { problems, place });
      return image.objects.push({ xywh, area: xywh[2] * xywh[3], isCrowd: false }) - 1;
    });
    objects.set(phrase, places);
  }
  for (const { sentence, phrases } of sentences) {
    // Start of each word.
    const starts = [0];
    for (const word of sentence.split(" ")) starts.push(starts.at(-1)! + word.length + 1);
    const located = phrases.flatMap(({ phrase, phrase_id, first_word_index }) => {
      const places = objects.get(phrase_id);
      if (!places) return [];
      const start = starts[first_word_index]!;
      return [{ spans: [[start, start + phrase.length]] as [number, number][], objects: places }];
    });
    image.captions.push({ text: sentence, phrases: located });
  }
  return image;
}
