/** `groundling doctor`: says what this machine has, and what to install for more. */

import { type Command, Option } from "commander";
import { devices } from "../../onnx/devices.ts";
import { plainTable } from "../detections/plain-table.ts";
import type { MachineFacts } from "../machine/machine-facts.ts";
import type { OperationsByPlace } from "../machine/operations-on-cpu.ts";
import { chosenDevice, type DeviceChoice } from "./device.ts";
import { print } from "./writing.ts";

interface Choices extends DeviceChoice {
  model?: string;
  json?: true;
}

/** Adds the command to a program. */
export function addDoctorCommand(program: Command): void {
  const command = program
    .command("doctor")
    .description(
      "Show what this machine has for Groundling (devices, memory, programs, packages), and what to install for more.",
    )
    .addOption(
      new Option("--device <name>", "also list the operations of a model that this device leaves to the CPU").choices(
        devices.filter((name) => name !== "cpu"),
      ),
    )
    .option("--model <path or name>", "the model for --device (default: the built-in model)")
    .option("--json", "print JSON");
  command.action(async ({ model, device, json }: Choices) => {
    if (model !== undefined && device === undefined)
      return command.error("error: --model needs --device NAME, whose operations are listed");
    const { machineFacts } = await import("../machine/machine-facts.ts");
    const facts = await machineFacts();
    const operations = device === undefined ? undefined : await operationsOn(model, { device });
    if (json) print(`${JSON.stringify({ ...facts, ...(operations ? { operations } : {}) }, undefined, 2)}\n`);
    else print(textOf(facts) + (operations ? operationsText(operations) : ""));
  });
}

async function operationsOn(model: string | undefined, choice: DeviceChoice): Promise<OperationsByPlace> {
  const { operationsOfModel } = await import("../machine/operations-on-cpu.ts");
  const { device = "cpu" } = await chosenDevice(choice);
  return operationsOfModel(model, device);
}

function textOf({ memory, onnxRuntime, devices, programs, packages, ...facts }: MachineFacts): string {
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
  const rows: [string, string][] = [
    ["groundling", facts.groundling],
    ["Node", facts.node],
    ["system", facts.system],
    ["processor", `${facts.processor}, ${facts.threads} threads`],
    ["memory", `${gigabytes(memory.total)}, ${gigabytes(memory.free)} free`],
    ["ONNX Runtime", `${onnxRuntime.version}, ${onnxRuntime.kind}`],
  ];
  const speeds = devices.map(({ device, problem, milliseconds }): [string, string] => [
    `device ${device}`,
    problem?.replace(`device ${device} `, "").replace(/; leave out.*/, "") ??
      `works; a product of 1024 × 1024 matrices takes ${Math.ceil(milliseconds!)} ms`,
  ]);
  const optional = [...programs, ...packages].map(({ name, version, purpose, install }): [string, string] => [
    name,
    `${version ?? "not installed"} (for ${purpose}${version === undefined ? `; ${install}` : ""})`,
  ]);
  const all = [...rows, ...speeds, ...optional];
  const width = Math.max(...all.map(([name]) => name.length));
  return all.map(([name, text]) => `${name.padEnd(width)}  ${text}\n`).join("");
}

function operationsText({ device, cpu }: OperationsByPlace): string {
  const names = [...new Set([...Object.keys(device), ...Object.keys(cpu)])].sort();
  const rows = names.map((name) => [name, String(device[name] ?? 0), String(cpu[name] ?? 0)]);
  return `\n${plainTable(["operation", "on the device", "on the CPU"], rows)}\n`;
}
