/** The example at the end of each command's help. */

import type { Command } from "commander";

/** By the names of the command and its subcommand. */
const examples: Readonly<Record<string, string>> = {
  detect: 'detect photo.jpg --prompt "cat. cup." --threshold 0.6 --draw',
  ground: 'ground photo.jpg --caption "a cat beside two cups"',
  segment: "segment photo.jpg --classes cat,cup --model my-glipv2 --draw",
  answer: 'answer photo.jpg --question "how many cups are there?" --model my-glipv2 --ground',
  describe: "describe photo.jpg --model my-glipv2 --beams 5",
  track: 'track street.mp4 --prompt "person. car." --out tracks --draw tracks.mp4',
  classify: "classify photo.jpg --labels cat,dog --model clip-vit-b32",
  embed: 'embed photo.jpg --text "a photo of a cat" --model clip-vit-b32 --out vectors.npy',
  index: "index photos/ --out photos-index --model clip-vit-b32",
  search: 'search photos-index "two dogs on a beach" --draw found.png',
  regions: "regions photos --model regionclip_pretrained-cc_rn50.pth --classes cat,cup --out regions.parquet",
  concepts: "concepts captions.jsonl --least 20 --out concepts.json",
  "pseudo-label": "pseudo-label pairs/ --out labelled --threshold 0.5",
  jobs: "jobs labelled --watch 10",
  train: "train first-world --out runs/first-world",
  adapt: "adapt --data my-set --method full --out adapted",
  serve: "serve --host 0.0.0.0 --port 8080 --tokens tokens.txt",
  page: "page --port 8017",
  doctor: "doctor --device webgpu",
  models: "models",
  convert: "convert glip_tiny_model_o365_goldg.pth --to glip-t",
  export: "export --size 480x640 --classes cat,cup --out model.onnx",
  inspect: 'inspect photo.jpg --prompt "cat. cup." --out numbers.safetensors',
  eval: "eval --data my-set/annotations.json --report report.html",
  "eval compare": "eval compare first.json second.json --ground-truth annotations.json --protocol coco",
  data: "data check my-set",
  "data check": "data check my-set",
  "data convert": "data convert my-set.json my-set-yolo --to yolo",
  scenes: "scenes --out scenes --count 100",
  browse: "browse annotations.json --out browse.html",
};

/** Adds an example to the help of every subcommand. */
export function addExamples(command: Command, words: readonly string[] = []): void {
  for (const one of command.commands) {
    const path = [...words, one.name()];
    const example = examples[path.join(" ")];
    if (example !== undefined) one.addHelpText("after", `\nExample:\n  groundling ${example}`);
    addExamples(one, path);
  }
}
