import assert from "node:assert/strict";
import { test } from "node:test";
import { Command } from "commander";
import { commands, helpText } from "./commands.ts";

test("every command in the table adds the command with its name, and its help line has at most 80 columns", async () => {
  const help = helpText();
  for (const [name, { load }] of Object.entries(commands)) {
    const program = new Command();
    (await load())(program);
    assert.ok(
      program.commands.some((command) => command.name() === name),
      name,
    );
    assert.match(help, new RegExp(`^  ${name} `, "m"));
  }
  for (const line of help.split("\n")) assert.ok(line.length <= 80, line);
});

test("every command that may fetch a model can be quiet", async () => {
  for (const [name, { load }] of Object.entries(commands)) {
    const program = new Command();
    (await load())(program);
    for (const command of program.commands) {
      const options = command.options.map(({ long }) => long);
      if (options.includes("--offline")) assert.ok(options.includes("--quiet"), name);
    }
  }
});
