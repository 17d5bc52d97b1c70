/** `groundling serve`: answers requests over HTTP. */

import { availableParallelism } from "node:os";
import { basename, extname } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import { InputError } from "../../errors.ts";
import { readTextFile } from "../../files/read-file.ts";
import { exitingWhenInterrupted } from "../../learning/interruption.ts";
import { DEFAULT_LIMITS, DEFAULT_PORT, type NamedPath, type ServiceSettings } from "../service/models/settings.ts";
import { wholeNumber } from "./numbers.ts";
import { type Precision, precisionOption, precisions } from "./precision.ts";
import { addQuietOption, say } from "./writing.ts";

interface Choices {
  model?: NamedPath[];
  adapted?: NamedPath[];
  host: string;
  port: number;
  workers: number;
  queue: number;
  timeout: number;
  maxMegabytes: number;
  maxMegapixels: number;
  allowUrls?: true;
  allowUrlsFrom?: string[];
  tokens?: string;
  cors?: string[];
  offline?: true;
  precision: Precision;
  quiet: boolean;
}

const SHORTEST_TOKEN = 16;
/** Several workers with few threads answer more requests than one with many; each holds the model once. */
const WORKERS = Math.min(4, availableParallelism());
const { requests, seconds, bytes, pixels } = DEFAULT_LIMITS;

/** Adds the command to a program. */
export function addServeCommand(program: Command): void {
  const command = program
    .command("serve")
    .description(
      "Answer requests over HTTP: find, ground, segment, classify, embed. The page /docs describes the requests. Ctrl-C or SIGTERM ends it when all requests are answered.",
    )
    .addOption(
      listOption(
        "--model <name=path>",
        "a model and its name in requests; can be repeated (default: the built-in detector and CLIP)",
        namedModel,
      ),
    )
    .addOption(listOption("--adapted <name=file>", "a tuned prompt from groundling adapt; can be repeated", namedFile))
    .option("--host <address>", "address to listen on; 0.0.0.0 for all", "127.0.0.1")
    .option("--port <number>", "port to listen on; 0 for a free one", wholeNumber(0, 65_535), DEFAULT_PORT)
    .option("--workers <number>", "worker threads of each model, which divide the cores", wholeNumber(1, 256), WORKERS)
    .option("--queue <number>", "requests at a time; more are answered with 429", wholeNumber(1, 100_000), requests)
    .option(
      "--timeout <seconds>",
      "time for a request to arrive, and then to be answered",
      wholeNumber(1, 3600),
      seconds,
    )
    .option("--max-megabytes <number>", "size of a request", wholeNumber(1, 512), bytes / 2 ** 20)
    .option("--max-megapixels <number>", "size of a picture", wholeNumber(1, 1000), pixels / 1e6)
    .option("--allow-urls", "fetch pictures for clients, from public addresses only")
    .addOption(
      listOption("--allow-urls-from <host>", "fetch pictures from this HOST or HOST:PORT, too; can be repeated"),
    )
    .option("--tokens <file>", "file with bearer tokens, one per line; without it, requests need no token")
    .addOption(listOption("--cors <origin>", "allow requests from web pages of this origin; can be repeated"))
    .option("--offline", "fetch no model; use the cache only")
    .addOption(precisionOption());
  addQuietOption(command).action(async (choices: Choices) => {
    const { serve } = await import("../service/serve.ts");
    const service = await exitingWhenInterrupted(() => serve(settingsOf(choices)));
    if (!choices.quiet) say(`groundling: listening on ${service.url}; ${service.url}/docs describes the requests\n`);
    await interrupted();
    await service.close();
  });
}

/** Waits for the first SIGINT or SIGTERM; a second one ends the process at once. */
function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      process.off("SIGINT", end);
      process.off("SIGTERM", end);
      resolve();
    };
    process.on("SIGINT", end);
    process.on("SIGTERM", end);
  });
}

function settingsOf(choices: Choices): ServiceSettings {
  const { workers, queue, timeout, maxMegabytes, maxMegapixels, allowUrls, allowUrlsFrom, tokens, cors } = choices;
  const { host, port, offline, precision, quiet, adapted } = choices;
  const models = choices.model ?? ["everyday", "small-clip"].map((name) => ({ name, path: name }));
  for (const names of [models, adapted ?? []]) refuseTwice(names);
  const threads = Math.max(1, Math.floor(availableParallelism() / workers));
  return {
    host,
    port,
    models,
    adapted: adapted ?? [],
    loading: { offline: offline === true, threads, patient: true, ...precisions[precision] },
    workers,
    limits: {
      requests: queue,
      seconds: timeout,
      bytes: maxMegabytes * 2 ** 20,
      pixels: maxMegapixels * 1e6,
    },
    urls: { public: allowUrls === true, hosts: allowUrlsFrom ?? [] },
    tokens: tokens === undefined ? [] : tokensIn(tokens),
    origins: cors ?? [],
    ...labelStudioOf(process.env),
    logLevel: quiet ? "warn" : "info",
  };
}

/** The variables of Label Studio's own ML backends. */
function labelStudioOf({ LABEL_STUDIO_URL: url, LABEL_STUDIO_API_KEY: key }: NodeJS.ProcessEnv) {
  if (!url) return {};
  if (!URL.canParse(url)) throw new InputError(`LABEL_STUDIO_URL is ${url}; give a URL such as http://localhost:8080`);
  return { labelStudio: { url, ...(key ? { key } : {}) } };
}

function listOption<Item = string>(flags: string, about: string, read?: (text: string) => Item): Option {
  const item = read ?? ((text: string) => text as Item);
  return new Option(flags, about).argParser((text: string, all: Item[] = []) => [...all, item(text)]);
}

/** Reads "NAME=PATH", or a path whose last part is the name. */
function namedModel(text: string): NamedPath {
  return text.includes("=") ? namedFile(text) : { name: basename(text, extname(text)), path: text };
}

function namedFile(text: string): NamedPath {
  const [, name, path] = /^([\w.-]+)=(.+)$/.exec(text) ?? [];
  if (name && path) return { name, path };
  throw new InvalidArgumentError("give NAME=PATH, with letters, digits, . - and _ in the name.");
}

function refuseTwice(named: readonly NamedPath[]): void {
  const twice = named.find(({ name }, i) => named.findIndex((other) => other.name === name) < i);
  if (twice)
    throw new InputError(`the name ${twice.name} is given twice; give each model and each prompt its own name`);
}

function tokensIn(file: string): string[] {
  const tokens = readTextFile(file)
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "");
  if (tokens.length === 0) throw new InputError(`${file}: has no tokens; write one per line`);
  if (tokens.some((token) => token.length < SHORTEST_TOKEN || /\s/.test(token)))
    throw new InputError(
      `${file}: a token has a space, or fewer than ${SHORTEST_TOKEN} characters and can be guessed; make one with openssl rand -hex 32`,
    );
  return tokens;
}
