/** `groundling concepts`: counts the concepts that captions name. */

import { createHash } from "node:crypto";
import { basename } from "node:path";
import type { Command } from "commander";
import { InputError } from "../../errors.ts";
import { writeWhole } from "../../files/write-whole.ts";
import { linesOf } from "./names.ts";
import { wholeNumber } from "./numbers.ts";
import { print } from "./writing.ts";

interface Choices {
  out: string;
  least: number;
  stop?: string[];
}

/** Adds the command to a program. */
export function addConceptsCommand(program: Command): void {
  program
    .command("concepts <captions...>")
    .description(
      "Count the nouns of captions, as a pool of concepts for RegionCLIP. Captions are read from .txt (one per line), .jsonl, .tsv and COCO's .json.",
    )
    .requiredOption("--out <file>", "JSON file to write: concepts with counts, and where they come from")
    .option(
      "--least <count>",
      "leave out concepts that occur fewer times than this",
      wholeNumber(1, 1_000_000_000),
      100,
    )
    .option("--stop <file>", "file with concepts to leave out, one per line (default: RegionCLIP's list)", linesOf)
    .action(async (files: string[], { out, least, stop }: Choices) => {
      const { countConcepts, STOP_LIST } = await import("../../inputs/words/concepts.ts");
      const { captionTexts } = await import("../../data/readers/caption-texts.ts");
      const { readBytes } = await import("../../files/read-file.ts");
      const sources = files.map((file) => ({ file, captions: captionTexts(file) }));
      const captions = sources.flatMap((source) => source.captions);
      const concepts = countConcepts(captions, { least, stop: stop ?? STOP_LIST });
      if (concepts.length === 0)
        throw new InputError(`no concept is named ${least} times in ${captions.length} captions; give a lower --least`);
      const provenance = {
        captions: captions.length,
        least,
        stop: stop ?? STOP_LIST,
        sources: sources.map(({ file, captions: own }) => ({
          file: basename(file),
          sha256: createHash("sha256").update(readBytes(file, Number.MAX_SAFE_INTEGER)).digest("hex"),
          captions: own.length,
        })),
      };
      await writeWhole(out, `${JSON.stringify({ concepts, provenance }, null, 2)}\n`);
      print(`${concepts.length} concepts of ${captions.length} captions in ${out}\n`);
    });
}
