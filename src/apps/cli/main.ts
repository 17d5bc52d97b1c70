/** The program `groundling`: runs a command and reports errors. */

import { commands, helpText } from "./commands.ts";

/** Exit codes for wrong input, a wrong command line, and internal errors (the last as in sysexits.h). */
const exits = { input: 1, usage: 2, software: 70 };

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  // The reader of the output has closed the pipe.
  if (error.code === "EPIPE") process.exit();
  throw error;
});
const words = process.argv.slice(2);
if (wantsHelp(words)) process.stdout.write(helpText());
else await run(words[0] === "help" ? [words[1]!, "--help"] : words);

/** Whether to print the help of the whole program, which loads no command. */
function wantsHelp([first = "--help", second = ""]: readonly string[]): boolean {
  return first === "--help" || first === "-h" || (first === "help" && !Object.hasOwn(commands, second));
}

async function run(words: readonly string[]): Promise<void> {
  try {
    const { programFor } = await import("./program.ts");
    await (await programFor(words)).parseAsync(words, { from: "user" });
  } catch (error) {
    process.exitCode = await report(error);
  }
}

async function report(error: unknown): Promise<number> {
  const { CommanderError } = await import("commander");
  const { InputError, RecipeError, WeightsError } = await import("../../errors.ts");
  const { DivergenceError } = await import("../../learning/divergence.ts");
  const { Interrupted } = await import("../../learning/interruption.ts");
  const { say } = await import("./writing.ts");
  const users = [InputError, WeightsError, RecipeError, DivergenceError];
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exits.usage;
  if (error instanceof Interrupted) {
    say(`groundling: ${error.message}\n`);
    return Number(process.exitCode ?? exits.input);
  }
  if (users.some((kind) => error instanceof kind)) {
    say(`groundling: ${(error as Error).message}\n`);
    return exits.input;
  }
  const ofSystem = systemErrorText(error);
  if (ofSystem !== undefined) {
    say(`groundling: ${ofSystem}\n`);
    return exits.input;
  }
  const stack = error instanceof Error ? error.stack : String(error);
  say(`groundling: Internal error. Please report it with the lines below.\n${stack}\n`);
  return exits.software;
}

/** What the operating system refused about a file: a folder that may not be read, a circular link, too many open files. */
function systemErrorText(error: unknown): string | undefined {
  if (!(error instanceof Error && "syscall" in error && "path" in error && "code" in error)) return undefined;
  return `${error.path}: cannot be used (${error.message}); check the path and your access rights`;
}
