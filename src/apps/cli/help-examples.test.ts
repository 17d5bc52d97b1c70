import assert from "node:assert/strict";
import { test } from "node:test";
import type { Command } from "commander";
import { commands } from "./commands.ts";
import { programFor } from "./program.ts";

const programs = await Promise.all(Object.keys(commands).map((name) => programFor([name])));

test("the help of every command ends with an example that uses its options", () => {
  for (const { command, path } of programs.flatMap((program) => commandsOf(program))) {
    const help = helpOf(command);
    const [, example] = /\nExample:\n {2}groundling (.*)\n$/.exec(help) ?? [];
    assert.ok(example !== undefined, `${path.join(" ")} has no example`);
    assert.ok(example.startsWith(path.join(" ")), example);
    const known = [...command.options, ...(command.parent?.options ?? [])];
    for (const [flag] of example.matchAll(/--[a-z-]+/g))
      assert.ok(path[0] === "data" || known.some(({ long }) => long === flag), `${path.join(" ")} has no ${flag}`);
    for (const option of command.options)
      if (option.mandatory) assert.ok(example.includes(option.long!), `${path.join(" ")} lacks ${option.long}`);
    const required = command.options.filter(({ mandatory }) => mandatory).length;
    assert.equal(help.match(/\(required\)/g)?.length ?? 0, required, path.join(" "));
  }
});

test("the help of eval compare names the file that it needs", () => {
  const compare = programs
    .flatMap((program) => commandsOf(program))
    .find(({ path }) => path.join(" ") === "eval compare")!.command;
  assert.match(helpOf(compare), /--ground-truth FILE/);
  assert.match(helpOf(compare), /a {2,}detections of the first run/);
});

function commandsOf(command: Command, path: string[] = []): { command: Command; path: string[] }[] {
  return command.commands.flatMap((one) => {
    const own = [...path, one.name()];
    return [{ command: one, path: own }, ...commandsOf(one, own)];
  });
}

function helpOf(command: Command): string {
  let help = "";
  command.configureOutput({
    writeOut: (text) => {
      help += text;
    },
  });
  command.outputHelp();
  return help;
}
