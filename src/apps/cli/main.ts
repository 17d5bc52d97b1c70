/** The program `groundling`: runs the command asked for and says what is wrong. */

import { CommanderError } from "commander";
import { InputError, RecipeError, WeightsError } from "../../errors.ts";
import { DivergenceError } from "../../learning/divergence.ts";
import { Interrupted } from "../../learning/interruption.ts";
import { programFor } from "./program.ts";
import { say } from "./writing.ts";

/** The user's input is at fault; the command line is; we are (as in sysexits.h). */
const exits = { input: 1, usage: 2, software: 70 };

const users = [InputError, WeightsError, RecipeError, DivergenceError];

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  // Whoever reads the answers has seen enough.
  if (error.code === "EPIPE") process.exit();
  throw error;
});
try {
  const words = process.argv.slice(2);
  await (await programFor(words)).parseAsync(words.length ? words : ["--help"], { from: "user" });
} catch (error) {
  process.exitCode = report(error);
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exits.usage;
  if (error instanceof Interrupted) {
    say(`groundling: ${error.message}\n`);
    return Number(process.exitCode ?? exits.input);
  }
  if (users.some((kind) => error instanceof kind)) {
    say(`groundling: ${(error as Error).message}\n`);
    return exits.input;
  }
  const stack = error instanceof Error ? error.stack : String(error);
  say(`groundling: this is our mistake; please report it\n${stack}\n`);
  return exits.software;
}
