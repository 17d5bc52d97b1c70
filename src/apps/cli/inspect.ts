/** `groundling inspect`: writes all intermediate tensors of a run, to compare with another implementation. */

import { type Command, Option } from "commander";
import type { SizeRule } from "../../inputs/pictures/preparation.ts";
import { addModelChoice, fetchingWithProgress, type ModelChoice } from "./model-choice.ts";
import { phraseOption } from "./names.ts";
import { sizeRule } from "./numbers.ts";
import { onePicture } from "./picture-files.ts";
import { addQuietOption, print } from "./writing.ts";

interface Choices extends ModelChoice {
  prompt?: string;
  caption?: string;
  phrase?: string[];
  size?: SizeRule;
  out: string;
}

/** Adds the command to a program. */
export function addInspectCommand(program: Command): void {
  const command = program
    .command("inspect <picture>")
    .description(
      "Write all intermediate tensors of a run, to compare with another implementation. The picture is a file, a URL, or - for standard input. The prompt is padded to the model's maximum length, as in the GLIP reference.",
    )
    .addOption(
      new Option("--prompt <text>", 'what to find, for example "person. bicycle."').conflicts(["caption", "phrase"]),
    )
    .option("--caption <text>", "caption of the picture, instead of a prompt")
    .addOption(phraseOption())
    .requiredOption("--out <file>", "safetensors file to write; an existing file is replaced")
    .option("--size <short,max>", "resize the picture to these sides in pixels (default: the model's own)", sizeRule);
  addQuietOption(command);
  addModelChoice(command).action(async (image: string, { prompt, caption, phrase, size, out, ...choice }: Choices) => {
    const text = prompt ?? caption;
    if (text === undefined) return command.error("error: no names to find; give --prompt TEXT or --caption TEXT");
    const { intermediates } = await import("../inspection/intermediates.ts");
    const { phrasesOf } = await import("../../inputs/words/noun-phrases.ts");
    const { promptOfCaption } = await import("../../inputs/words/prompts.ts");
    const { decodePicture } = await import("../../inputs/pictures/picture.ts");
    const { readModel } = await import("../../tasks/finding/model-folder.ts");
    const { writeSafetensors } = await import("../../weights/write-safetensors.ts");
    const stored = await fetchingWithProgress(choice, (fetching) => readModel(choice.model, fetching, "inspect"));
    const picture = await decodePicture(await onePicture(image));
    const { maxTokens } = stored.model;
    const planned =
      prompt === undefined
        ? promptOfCaption(stored.words.pieces, text, phrasesOf(text, phrase), { maxTokens })
        : stored.words.promptOf(prompt, { maxTokens });
    const tensors = await intermediates(
      { ...stored, preparation: { ...stored.preparation, ...(size ? { size } : {}) } },
      picture,
      planned,
    );
    await writeSafetensors(out, tensors, { image, prompt: text });
    print(`${tensors.length} tensors in ${out}\n`);
  });
}
