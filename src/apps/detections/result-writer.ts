/** Writes the results of many pictures, each as soon as its format allows. */

import { join } from "node:path";
import { startGrowing, writeInto } from "../../files/write-whole.ts";
import type { DocumentFormat, FolderFormat, Format, LinesFormat } from "./formats.ts";
import type { PictureResult } from "./picture-result.ts";
import { tableOf } from "./table.ts";

export interface ResultWriter {
  add(picture: PictureResult): Promise<void>;
  /** Writes the parts that need all pictures. */
  end(): Promise<void>;
}

export interface ResultWriterOptions {
  /** Default: tables. */
  format?: Format | undefined;
  /** Output folder; required for formats with one file per picture. Other formats are also printed. */
  out?: string | undefined;
  /** The requested names; if absent, the names that are found. */
  labels?: readonly string[] | undefined;
  /** Prints whole lines. */
  print: (text: string) => void;
}

/** A writer of results. Writes nothing before the first picture or `end`. */
export function resultWriter({ format, out, labels: asked, print }: ResultWriterOptions): ResultWriter {
  const labels = [...(asked ?? [])];
  const kept = placeOf(format, { out, labels, print });
  return {
    add: async (picture) => {
      for (const { label } of picture.detections) if (!labels.includes(label)) labels.push(label);
      await kept.add(picture);
    },
    end: () => kept.end(),
  };
}

/** `labels` grows when a label is found that was not requested. */
type Place = Pick<ResultWriterOptions, "out" | "print"> & { labels: readonly string[] };

function placeOf(format: Format | undefined, place: Place): ResultWriter {
  if (!format) return tables(place);
  if (format.kind === "lines") return lines(format, place);
  return format.kind === "document" ? wholeDocument(format, place) : filesPerPicture(format, place);
}

function tables({ print }: Place): ResultWriter {
  let between = "";
  return {
    add: async (picture) => {
      print(`${between}${tableOf(picture)}\n`);
      between = "\n";
    },
    end: async () => {},
  };
}

function lines({ file, head, lines }: LinesFormat, { out, print }: Place): ResultWriter {
  const path = out === undefined ? undefined : join(out, file);
  let isOpen = false;
  let growing: Awaited<ReturnType<typeof startGrowing>> | undefined;
  const open = async () => {
    if (isOpen) return;
    isOpen = true;
    if (path !== undefined) growing = await startGrowing(path, head);
    print(head);
  };
  return {
    add: async (picture) => {
      await open();
      const text = lines(picture);
      await growing?.append(text);
      print(text);
    },
    end: open,
  };
}

function wholeDocument({ file, text }: DocumentFormat, { out, labels, print }: Place): ResultWriter {
  const pictures: PictureResult[] = [];
  return {
    add: async (picture) => {
      pictures.push(picture);
    },
    end: async () => {
      const whole = text({ pictures, labels });
      if (out !== undefined) await writeInto(out, file, whole);
      print(whole);
    },
  };
}

function filesPerPicture({ picture: fileOf, rest }: FolderFormat, { out = ".", labels }: Place): ResultWriter {
  return {
    add: async (picture) => {
      await writeInto(out, ...(await fileOf(picture, labels)));
    },
    end: async () => {
      for (const [path, text] of rest(labels)) await writeInto(out, path, text);
    },
  };
}
