/** The commands of `groundling`. */

import { readFileSync } from "node:fs";
import { Command } from "commander";
import { visibleLines } from "../../files/visible.ts";
import { wantWritableFile, wantWritableFolder } from "../../files/writable.ts";
import { addExamples } from "./help-examples.ts";

type AddCommand = (program: Command) => void;

/** Where each command lives; only the one that is asked for is loaded, all for help. */
const commands: Record<string, () => Promise<AddCommand>> = {
  detect: async () => (await import("./detect.ts")).addDetectCommand,
  ground: async () => (await import("./ground.ts")).addGroundCommand,
  classify: async () => (await import("./classify.ts")).addClassifyCommand,
  embed: async () => (await import("./embed.ts")).addEmbedCommand,
  "pseudo-label": async () => (await import("./pseudo-label.ts")).addPseudoLabelCommand,
  jobs: async () => (await import("./jobs.ts")).addJobsCommand,
  train: async () => (await import("./train.ts")).addTrainCommand,
  adapt: async () => (await import("./adapt.ts")).addAdaptCommand,
  models: async () => (await import("./models.ts")).addModelsCommand,
  convert: async () => (await import("./convert.ts")).addConvertCommand,
  export: async () => (await import("./export.ts")).addExportCommand,
  inspect: async () => (await import("./inspect.ts")).addInspectCommand,
  eval: async () => (await import("./eval.ts")).addEvalCommand,
  data: async () => (await import("./data.ts")).addDataCommand,
  scenes: async () => (await import("./scenes.ts")).addScenesCommand,
  browse: async () => (await import("./browse.ts")).addBrowseCommand,
};

/** The program with the command that `words` begin with, or with all where they begin with none. */
export async function programFor(words: readonly string[]): Promise<Command> {
  const { version } = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8"));
  const program = new Command("groundling")
    .description("Find things in pictures by words.")
    .version(version)
    .showHelpAfterError("(groundling help COMMAND says more)")
    .configureOutput({ outputError: (text, write) => write(visibleLines(text)) })
    .hook("preAction", (_, command) => wantOutputs(command))
    .exitOverride();
  const asked = Object.hasOwn(commands, words[0] ?? "") ? [commands[words[0]!]!] : Object.values(commands);
  for (const add of await Promise.all(asked.map((load) => load()))) add(program);
  addExamples(program);
  return program;
}

/** The options that say where a command writes; asked before any work is done. */
const outputs: Record<string, Readonly<Record<string, (place: string) => void>>> = {
  detect: { out: wantWritableFolder },
  ground: { out: wantWritableFolder },
  "pseudo-label": { out: wantWritableFolder },
  train: { out: wantWritableFolder },
  adapt: { out: wantWritableFolder },
  convert: { to: wantWritableFolder },
  export: { out: wantWritableFile },
  inspect: { out: wantWritableFile },
  eval: { report: wantWritableFile },
  scenes: { out: wantWritableFolder },
  browse: { out: wantWritableFile },
};

function wantOutputs(command: Command): void {
  // "data convert" is another command than "convert".
  const isFirst = command.parent?.parent === null;
  for (const [option, want] of Object.entries((isFirst && outputs[command.name()]) || {})) {
    const place: unknown = command.getOptionValue(option);
    if (typeof place === "string") want(place);
  }
}
