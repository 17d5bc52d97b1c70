/** `groundling inspect`: every named intermediate of a run, for comparison with another implementation. */

import type { Command } from "commander";
import type { SizeRule } from "../../inputs/prepare-image.ts";
import { addModelOptions, type ModelChoice, modelPath } from "./model-choice.ts";
import { sizeRule } from "./numbers.ts";
import { print } from "./writing.ts";

interface Choices extends ModelChoice {
  prompt: string;
  size?: SizeRule;
  out: string;
}

/** Adds the command to a program. */
export function addInspectCommand(program: Command): void {
  const command = program
    .command("inspect <image>")
    .description(
      "write every named intermediate of a run; the prompt is padded to all the model's tokens, as references do",
    )
    .requiredOption("--prompt <text>", 'what to find, for example "person. bicycle."')
    .requiredOption("--out <file>", "safetensors file to write")
    .option("--size <short,max>", "sides to resize the picture to (default: the model's own)", sizeRule);
  addModelOptions(command).action(async (image: string, { prompt, size, out, ...choice }: Choices) => {
    const { intermediates } = await import("../inspection/intermediates.ts");
    const { decodePicture } = await import("../../inputs/picture.ts");
    const { readModel } = await import("../../tasks/grounding/model-folder.ts");
    const { writeSafetensors } = await import("../../weights/write-safetensors.ts");
    const stored = await readModel(await modelPath(choice));
    const picture = await decodePicture(image);
    const tensors = await intermediates({ ...stored, ...(size ? { size } : {}) }, picture, prompt);
    await writeSafetensors(out, tensors, { image, prompt });
    print(`${tensors.length} tensors in ${out}\n`);
  });
}
