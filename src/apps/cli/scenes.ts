/** `groundling scenes`: writes a part of the generated world as a dataset. */

import { type Command, Option } from "commander";
import {
  loadWorld,
  type SceneDataset,
  type Split,
  splits,
  writeDownstreamSets,
  writeSceneDataset,
} from "../../data/scenes/index.ts";
import { InputError } from "../../errors.ts";
import { exitingWhenInterrupted } from "../../learning/interruption.ts";
import { ProgressBar } from "../progress/progress-bar.ts";
import { commaSeparated } from "./names.ts";
import { share, wholeNumber } from "./numbers.ts";
import { say } from "./writing.ts";

interface Choices {
  readonly out: string;
  readonly count?: number;
  readonly downstream: boolean;
  readonly seed: number;
  readonly split: Split;
  readonly size: number;
  readonly captions?: "sentences" | "names";
  readonly objects?: number;
  readonly smallest?: number;
  readonly names?: string[];
  readonly everyday: boolean;
  readonly models: boolean;
  readonly grounds: boolean;
  readonly more: boolean;
  readonly sprites: string;
  readonly quiet: boolean;
}

const most = 1_000_000;

/** Adds the command to the program. */
export function addScenesCommand(program: Command): void {
  program
    .command("scenes")
    .description("write generated scenes with exact boxes and captions; run again to go on after an interruption")
    .requiredOption("--out <folder>", "folder of the dataset")
    .option("--count <number>", "how many scenes", wholeNumber(1, most))
    .option("--downstream", "instead thirteen small sets to adapt to, in folders as ODinW's", false)
    .option("--seed <number>", "which scenes", wholeNumber(0, 4_000_000), 0)
    .addOption(new Option("--split <name>", "part of the world").choices(splits).default("train"))
    .option("--size <pixels>", "width and height", wholeNumber(32, 2048), 256)
    .option("--objects <number>", "most things of a scene", wholeNumber(1, 50))
    .option("--smallest <share>", "side of the smallest things, as a share of the picture's", share)
    .option("--names <a,b,c>", "only these names", commaSeparated)
    .option("--everyday", "only the fifty everyday names", false)
    .option("--models", "also rendered models (scripts/world/models.ts makes them)", false)
    .option("--grounds", "also photos of grounds as backgrounds (scripts/world/grounds.ts gathers them)", false)
    .option("--more", "with --split train, also the drawings and names of ten more icon sets", false)
    .addOption(
      new Option(
        "--captions [kind]",
        "tar shards of pictures and captions, without boxes; or with names in place of sentences",
      )
        .choices(["sentences", "names"])
        .preset("sentences"),
    )
    .option("--quiet", "show no progress", false)
    .option("--sprites <folder>", "where rendered drawings are kept", "runs/sprites")
    .action(
      async ({
        out,
        count,
        downstream,
        seed,
        split,
        size,
        captions,
        everyday,
        models,
        grounds,
        more,
        sprites,
        quiet,
        ...given
      }: Choices) => {
        if (downstream) {
          const progress = (name: string) => quiet || say(`${name}\n`);
          await writeDownstreamSets(out, { sprites, seed, progress });
          return;
        }
        if (count === undefined) throw new InputError("give --count, or --downstream for the sets to adapt to");
        const names = everyday ? "everyday" : given.names;
        const { objects, smallest } = given;
        const world = loadWorld(sprites, { split, models, grounds, more, ...(names && { names }) });
        const bar = new ProgressBar({ unit: "scenes", quiet });
        bar.start(count);
        bar.update(0);
        const dataset: SceneDataset = {
          folder: out,
          count,
          seed,
          size,
          scene: { ...(objects && { objects }), ...(smallest && { smallest }) },
          form: captions === "names" ? "names" : captions ? "captions" : "boxes",
          progress: (done) => bar.update(done),
        };
        await exitingWhenInterrupted(() => writeSceneDataset(world, dataset)).finally(() => bar.stop());
        if (!quiet) say(`${count} scenes of ${world.names.length} names in ${out}\n`);
      },
    );
}
