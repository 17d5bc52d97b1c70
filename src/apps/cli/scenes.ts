/** `groundling scenes`: writes a dataset of generated scenes. */

import { type Command, Option } from "commander";
import {
  renderWorld,
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
    .description(
      "Generate a dataset of drawn scenes with exact boxes and captions. To continue after an interruption, run it again.",
    )
    .requiredOption("--out <folder>", "output folder")
    .option("--count <number>", "number of scenes", wholeNumber(1, most))
    .option("--downstream", "write thirteen small sets for adaptation instead, in folders like ODinW", false)
    .option("--seed <number>", "seed of the scenes", wholeNumber(0, 4_000_000), 0)
    .addOption(new Option("--split <name>", "split of the generated world").choices(splits).default("train"))
    .option("--size <pixels>", "width and height of a scene", wholeNumber(32, 2048), 256)
    .option("--objects <number>", "maximum number of things in a scene (default: 6)", wholeNumber(1, 50))
    .option(
      "--smallest <fraction>",
      "side of the smallest things, as a fraction of the picture's side (default: 0.12)",
      share,
    )
    .option("--names <a,b,c>", "use only these names", commaSeparated)
    .option("--everyday", "use only the fifty everyday names", false)
    .option("--models", "also use rendered 3D models (made by scripts/world/models.ts)", false)
    .option("--grounds", "also use photos as backgrounds (collected by scripts/world/grounds.ts)", false)
    .option("--more", "with --split train: also use the drawings and names of ten more icon sets", false)
    .addOption(
      new Option(
        "--captions [kind]",
        "write tar shards of pictures and captions without boxes; the captions are sentences, or lists of names",
      )
        .choices(["sentences", "names"])
        .preset("sentences"),
    )
    .option("--quiet", "do not show progress", false)
    .option("--sprites <folder>", "cache folder for rendered drawings", "runs/sprites")
    .action(writeScenes);
}

async function writeScenes({ out, downstream, seed, sprites, quiet, ...choices }: Choices): Promise<void> {
  if (downstream) {
    const progress = (name: string) => quiet || say(`${name}\n`);
    await writeDownstreamSets(out, { sprites, seed, progress });
    return;
  }
  const { count, size, captions, split, everyday, models, grounds, more, objects, smallest } = choices;
  if (count === undefined) throw new InputError("give --count, or --downstream for the small sets for adaptation");
  const names = everyday ? "everyday" : choices.names;
  const world = await renderWorld(sprites, { split, models, grounds, more, ...(names && { names }) });
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
}
