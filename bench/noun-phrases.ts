/**
 * Prints the number of captions per second in which one core finds the noun phrases, in processor time. The captions are the annotated
 * captions of the tests.
 *
 *     node --import tsx bench/noun-phrases.ts
 */
import { readFileSync } from "node:fs";
import { nounPhrases } from "../src/inputs/words/noun-phrases.ts";

const captions = readFileSync(new URL("../src/inputs/words/fixtures/noun-phrases.txt", import.meta.url), "utf8")
  .split("\n")
  .filter((line) => line !== "" && !line.startsWith("#"))
  .map((line) => line.replace(/[[\]]/g, ""));

for (const pass of ["first pass, with reading the lexicon", "20 passes, every word seen before"]) {
  const passes = pass.startsWith("first") ? 1 : 20;
  const start = process.cpuUsage();
  for (let k = 0; k < passes; k++) for (const caption of captions) nounPhrases(caption);
  const { user, system } = process.cpuUsage(start);
  console.log(`${pass}: ${((passes * captions.length * 1e6) / (user + system)).toFixed(0)} captions/s`);
}
