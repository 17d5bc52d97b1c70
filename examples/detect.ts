/** Finds things in a picture. Run: npx tsx examples/detect.ts PICTURE "apple, chair" [MODEL] */

import { loadModel } from "../src/index.ts";

const [picture, names, path] = process.argv.slice(2);
if (!picture || !names) throw new Error('say which picture and what to find: detect.ts kitchen.jpg "apple, chair"');

const model = await loadModel(path);
const classes = names.split(",").map((name) => name.trim());
for (const { score, label, box } of await model.detect(picture, classes, { threshold: 0.3 }))
  console.log(score.toFixed(2), label, Object.values(box).map(Math.round).join(" "));
await model.dispose();
