/** The program with the command to run. */

import { readFileSync } from "node:fs";
import { Command, Help, type Option } from "commander";
import { visibleLines } from "../../files/visible.ts";
import { checkWritableFile, checkWritableFolder } from "../../files/writable.ts";
import { commands } from "./commands.ts";
import { addExamples } from "./help-examples.ts";

/** The program with the command that `words` start with; if there is none, with the names of all commands. */
export async function programFor(words: readonly string[]): Promise<Command> {
  const { version } = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8"));
  const program = new Command("groundling")
    .description("Find things in pictures by words.")
    .version(version)
    .showHelpAfterError("(run groundling COMMAND --help for help)")
    .configureHelp({ optionDescription: optionText })
    .configureOutput({ outputError: (text, write) => write(visibleLines(text)) })
    .hook("preAction", (_, command) => checkOutputs(command))
    .exitOverride();
  const [asked = ""] = words;
  if (Object.hasOwn(commands, asked)) (await commands[asked]!.load())(program);
  else for (const [name, { about }] of Object.entries(commands)) program.command(name).description(about);
  addExamples(program);
  return program;
}

/** The description of an option in the help: says if it is required, and leaves out the defaults of flags and lists. */
function optionText(option: Option): string {
  const text = new Help().optionDescription(option).replace(/ \(default: (false|\[\])\)$/, "");
  return option.mandatory ? `${text} (required)` : text;
}

/** The options with a command's output paths, which are checked before any work is done. */
const outputs: Record<string, Readonly<Record<string, (place: string) => void>>> = {
  detect: { out: checkWritableFolder },
  ground: { out: checkWritableFolder },
  segment: { out: checkWritableFolder },
  answer: { out: checkWritableFolder },
  describe: { out: checkWritableFolder },
  track: { out: checkWritableFolder, draw: checkWritableFile },
  "pseudo-label": { out: checkWritableFolder },
  train: { out: checkWritableFolder },
  adapt: { out: checkWritableFolder },
  convert: { to: checkWritableFolder },
  embed: { out: checkWritableFile },
  index: { out: checkWritableFolder },
  search: { draw: checkWritableFile },
  regions: { out: checkWritableFile },
  concepts: { out: checkWritableFile },
  export: { out: checkWritableFile },
  inspect: { out: checkWritableFile },
  eval: { report: checkWritableFile },
  scenes: { out: checkWritableFolder },
  browse: { out: checkWritableFile },
};

function checkOutputs(command: Command): void {
  // "data convert" and "convert" are different commands.
  const isFirst = command.parent?.parent === null;
  for (const [option, want] of Object.entries((isFirst && outputs[command.name()]) || {})) {
    const place: unknown = command.getOptionValue(option);
    if (typeof place === "string") want(place);
  }
}
