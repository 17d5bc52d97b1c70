/** Saves what is seen. */

import { useState } from "preact/hooks";
import { download } from "./download.ts";
import { forms, type Seen } from "./exports.ts";
import { colourOf, type GivenPicture } from "./pictures.ts";

interface ExportPanelProps {
  seen: readonly Seen[];
  picture: GivenPicture | undefined;
}

export function ExportPanel({ seen, picture }: ExportPanelProps) {
  const [copied, setCopied] = useState(false);
  const isEmpty = picture === undefined;
  const own = seen.find(({ name }) => name === picture?.name);
  return (
    <section>
      <h2>Save</h2>
      <div class="row">
        <button type="button" disabled={isEmpty} onClick={() => picture && own && void savePicture(picture, own)}>
          PNG
        </button>
        {Object.entries(forms).map(([name, filesOf]) => (
          <button
            key={name}
            type="button"
            disabled={isEmpty}
            onClick={() => {
              for (const file of filesOf(seen)) download(file.name, new Blob([file.text], { type: file.type }));
            }}
          >
            {name}
          </button>
        ))}
        <button
          type="button"
          onClick={async () => {
            await navigator.clipboard.writeText(location.href);
            setCopied(true);
          }}
        >
          {copied ? "Link copied" : "Copy link"}
        </button>
      </div>
    </section>
  );
}

async function savePicture({ address, pixels, name }: GivenPicture, { found }: Seen): Promise<void> {
  const image = Object.assign(new Image(), { src: address });
  await image.decode();
  const { width, height } = pixels;
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d")!;
  context.drawImage(image, 0, 0, width, height);
  const line = Math.max(width, height) / 32;
  context.font = `600 ${line * 0.8}px sans-serif`;
  context.lineWidth = line / 8;
  for (const { label, score, box } of found) {
    const { xmin, ymin, xmax, ymax } = box;
    context.strokeStyle = context.fillStyle = colourOf(label);
    context.strokeRect(xmin, ymin, xmax - xmin, ymax - ymin);
    const text = `${label} ${Math.round(100 * score)} %`;
    const top = ymin > line ? ymin - line : ymin;
    context.fillRect(xmin, top, context.measureText(text).width + line * 0.3, line);
    context.fillStyle = "#fff";
    context.fillText(text, xmin + line * 0.15, top + line * 0.75);
  }
  canvas.toBlob((blob) => blob && download(`${name.replace(/\.[^.]*$/, "")}-boxes.png`, blob), "image/png");
}
