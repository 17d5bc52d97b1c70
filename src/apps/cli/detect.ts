/** `groundling detect`: finds things named by words. */

import { readFileSync } from "node:fs";
import { type Command, InvalidArgumentError, Option } from "commander";
import { InputError } from "../../errors.ts";
import { namesInPrompt } from "../../inputs/prompts.ts";
import { addFindingOptions, type FindingOptions, findInPictures } from "./finding.ts";

interface Choices extends FindingOptions {
  prompt?: string[];
  classes?: string[];
  classesFile?: string[];
}

/** Adds the command to a program. */
export function addDetectCommand(program: Command): void {
  const command = program
    .command("detect <images...>")
    .description("find things in pictures by their names; pictures are files, folders, globs or addresses")
    .addOption(
      new Option("--prompt <text>", 'what to find, for example "person. bicycle."')
        .argParser(namesInPrompt)
        .conflicts(["classes", "classesFile"]),
    )
    .addOption(
      new Option("--classes <names>", "what to find, with commas between")
        .argParser(commaSeparated)
        .conflicts("classesFile"),
    )
    .addOption(new Option("--classes-file <file>", "what to find, one name a line").argParser(linesOf));
  addFindingOptions(command).action(async (images: string[], { prompt, classes, classesFile, ...options }: Choices) => {
    const given = prompt ?? classes ?? classesFile;
    if (!given) command.error("error: say what to find: --prompt TEXT, --classes A,B or --classes-file FILE");
    const labels = [...new Set(given)];
    await findInPictures(images, options, { labels, ask: (model, picture, how) => model.detect(picture, labels, how) });
  });
}

function commaSeparated(text: string): string[] {
  const names = text
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  if (names.length === 0) throw new InvalidArgumentError("give at least one name.");
  return names;
}

function linesOf(file: string): string[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new InputError(`${file}: the names cannot be read (${error instanceof Error ? error.message : error})`);
  }
  const names = text
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/)
    .map((name) => name.trim())
    .filter((name) => name !== "");
  if (names.length === 0) throw new InputError(`${file}: there are no names; write one a line`);
  return names;
}
