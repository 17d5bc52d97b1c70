/** `groundling data`: what is wrong with a dataset, and turning one format into another. */
import { type Command, Option } from "commander";
import { checkDataset } from "../../data/readers/check.ts";
import {
  type Format,
  formatOf,
  formats,
  readFormat,
  type WritableFormat,
  writableFormats,
  writeFormat,
} from "../../data/readers/formats.ts";
import { Problems, placeText } from "../../data/readers/problems.ts";
import { InputError } from "../../errors.ts";
import { visible, visibleLines } from "../../files/visible.ts";
import { wantWritableFile, wantWritableFolder } from "../../files/writable.ts";

interface CheckChoices {
  as?: Format;
  images?: string;
  subset?: string;
  format: "json" | "text";
}

interface ConvertChoices {
  as?: Format;
  to: WritableFormat;
  subset?: string;
}

/** Adds `data check` and `data convert` to a program that does not have them. */
export function addDataCommand(program: Command): void {
  if (program.commands.some((command) => command.name() === "data")) return;
  const command = program.command("data").description("look over and convert datasets");
  const as = () => new Option("--as <format>", "read as; told by its looks unless said").choices(formats);
  command
    .command("check <path>")
    .description(`say everything that is wrong with a dataset (${formats.join(", ")}), with file and line`)
    .addOption(as())
    .option("--images <folder>", "where the pictures are")
    .option("--subset <name>", "flickr30k: which list of images (default: train)")
    .addOption(new Option("--format <form>", "what to print").choices(["json", "text"]).default("text"))
    .action(async (path: string, { as, images, subset, format }: CheckChoices) => {
      const checked = await checkDataset(path, {
        ...(as && { format: as }),
        ...(images !== undefined && { pictures: images }),
        ...(subset !== undefined && { subset }),
      });
      const print = (text: string) => command.configureOutput().writeOut!(`${text}\n`);
      if (format === "json") print(JSON.stringify(checked, null, 2));
      else {
        for (const problem of checked.problems)
          print(visible(`${placeText(problem)}: ${problem.severity}: ${problem.message}`));
        const { images, objects, captions, labels } = checked;
        print(`${checked.format}: ${images} images, ${objects} objects, ${captions} captions, ${labels} labels`);
      }
      const errors = checked.problems.filter(({ severity }) => severity === "error").length;
      if (errors) throw new InputError(`${path}: ${errors} errors, ${checked.problems.length - errors} warnings`);
    });
  command
    .command("convert <from> <to>")
    .description("write the annotations of a dataset in another format; pictures are not copied")
    .addOption(as())
    .addOption(new Option("--to <format>", "write as").choices(writableFormats).makeOptionMandatory())
    .option("--subset <name>", "flickr30k: which list of images (default: train)")
    .action(async (from: string, target: string, { as, to, subset }: ConvertChoices) => {
      if (to === "yolo" || to === "voc") wantWritableFolder(target);
      else wantWritableFile(target);
      const problems = new Problems();
      const format = as ?? formatOf(from);
      const dataset = await readFormat(from, format, { problems, ...(subset !== undefined && { subset }) });
      problems.refuseErrors(from);
      writeFormat(dataset, to, target);
      command.configureOutput().writeOut!(
        visibleLines(`${from} (${format}) → ${target} (${to}): ${dataset.images.length} images\n`),
      );
    });
}
