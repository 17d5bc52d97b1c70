/** `groundling models`: lists the models available by name. */

import { existsSync } from "node:fs";
import type { Command } from "commander";
import { clipAddress, clipPath, clipZoo } from "../../weights/clip-zoo.ts";
import { zoo, zooAddress, zooPath } from "../../weights/zoo.ts";
import { plainTable } from "../detections/plain-table.ts";
import { print } from "./writing.ts";

/** Adds the command to a program. */
export function addModelsCommand(program: Command): void {
  program
    .command("models")
    .description("List the models available by name. Those on the Hugging Face hub are downloaded at first use.")
    .action(async () => {
      const { BUILT_IN, BUILT_IN_CLIP } = await import("../../tasks/loading/locate.ts");
      const published = Object.entries(zoo).map(([name, { about, parameters }]) => {
        const place = existsSync(zooPath(name)) ? zooPath(name) : zooAddress(name);
        return [name, `${Math.round(parameters / 1e6)} million`, about, place];
      });
      const clips = Object.entries(clipZoo).map(([name, { about, parameters }]) => {
        const place = existsSync(clipPath(name)) ? clipPath(name) : clipAddress(name);
        return [name, `${Math.round(parameters / 1e6)} million`, about, place];
      });
      const builtIn = [BUILT_IN, "small", "everyday things, drawn; comes with groundling", "(here)"];
      const builtInClip = [
        BUILT_IN_CLIP,
        "small",
        "CLIP of 200 kinds of things in photos; comes with groundling",
        "(here)",
      ];
      print(`${plainTable(["name", "parameters", "what", "where"], [builtIn, builtInClip, ...published, ...clips])}\n`);
    });
}
