/** The picture with its boxes, the map of a word, and boxes that are drawn to teach. */

import { useEffect, useRef, useState } from "preact/hooks";
import type { Box, ScoreMap } from "../../../src/web.ts";
import type { Found } from "./model-worker.ts";
import { colourOf, type GivenPicture } from "./pictures.ts";

interface StageProps {
  picture: GivenPicture;
  found: readonly Found[];
  /** The label whose boxes are emphasised. */
  emphasised: string | undefined;
  map: ScoreMap | undefined;
  zoom: number;
  /** Boxes drawn to teach; with `draw`, the pointer draws another. */
  drawn: readonly { label: string; box: Box }[];
  draw: ((box: Box) => void) | undefined;
  hover(found: Found | undefined): void;
}

export function Stage({ picture, found, emphasised, map, zoom, drawn, draw, hover }: StageProps) {
  const { width, height } = picture.pixels;
  const [start, setStart] = useState<[number, number]>();
  const [end, setEnd] = useState<[number, number]>();
  const frame = useRef<SVGSVGElement>(null);
  const place = ({ clientX, clientY }: PointerEvent): [number, number] => {
    const { left, top, width: wide, height: high } = frame.current!.getBoundingClientRect();
    const inside = (x: number, most: number) => Math.min(Math.max(x, 0), most);
    return [inside(((clientX - left) / wide) * width, width), inside(((clientY - top) / high) * height, height)];
  };
  const box = start && end && boxOf(start, end);
  const finish = () => {
    if (box && draw && box.xmax - box.xmin > 4 && box.ymax - box.ymin > 4) draw(box);
    setStart(undefined);
    setEnd(undefined);
  };
  return (
    <div class="stage" style={{ width: `calc(min(100%, 78vh * ${width / height}) * ${zoom})` }}>
      <img src={picture.address} alt={picture.name} width={width} height={height} />
      {map && <ScoreLayer map={map} />}
      <svg
        ref={frame}
        viewBox={`0 0 ${width} ${height}`}
        class={draw ? "drawing" : ""}
        role="img"
        aria-label={`${found.length} boxes: ${found.map(({ label }) => label).join(", ") || "none"}`}
        onPointerDown={(event) => {
          if (!draw) return;
          frame.current!.setPointerCapture(event.pointerId);
          setStart(place(event));
          setEnd(place(event));
        }}
        onPointerMove={(event) => start && setEnd(place(event))}
        onPointerUp={finish}
        onPointerCancel={finish}
      >
        {found.map((one) => (
          <FoundBox
            key={`${one.label} ${one.box.xmin} ${one.box.ymin} ${one.score}`}
            found={one}
            size={Math.max(width, height)}
            faint={emphasised !== undefined && emphasised !== one.label}
            hover={draw ? () => {} : hover}
          />
        ))}
        {[...drawn, ...(box ? [{ label: "", box }] : [])].map(({ label, box: { xmin, ymin, xmax, ymax } }) => (
          <rect
            key={`${label} ${xmin} ${ymin}`}
            class="drawn"
            x={xmin}
            y={ymin}
            width={xmax - xmin}
            height={ymax - ymin}
          />
        ))}
      </svg>
    </div>
  );
}

interface FoundBoxProps {
  found: Found;
  /** The picture's longer side in pixels, to which texts are scaled. */
  size: number;
  faint: boolean;
  hover(found: Found | undefined): void;
}

function FoundBox({ found, size, faint, hover }: FoundBoxProps) {
  const { label, score, box } = found;
  const { xmin, ymin, xmax, ymax } = box;
  const colour = colourOf(label);
  const line = size / 32;
  const text = `${label} ${Math.round(100 * score)} %`;
  const above = ymin > line;
  return (
    <g class={faint ? "faint" : ""} onPointerEnter={() => hover(found)} onPointerLeave={() => hover(undefined)}>
      <rect class="found" x={xmin} y={ymin} width={xmax - xmin} height={ymax - ymin} stroke={colour} />
      <rect
        x={xmin}
        y={above ? ymin - line : ymin}
        width={text.length * line * 0.53 + line * 0.3}
        height={line}
        fill={colour}
      />
      <text x={xmin + line * 0.15} y={(above ? ymin : ymin + line) - line * 0.25} font-size={line * 0.8}>
        {text}
      </text>
    </g>
  );
}

/** A map of scores over the picture, brighter where a place fits the word better. */
function ScoreLayer({ map }: { map: ScoreMap }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const { width, height, scores } = map;
    const pixels = new ImageData(width, height);
    for (const [i, score] of scores.entries())
      pixels.data.set([255, 80 + 175 * score, 0, 230 * Math.sqrt(score)], 4 * i);
    canvas.current!.width = width;
    canvas.current!.height = height;
    canvas.current!.getContext("2d")!.putImageData(pixels, 0, 0);
  }, [map]);
  const { covered, label } = map;
  return (
    <div class="map">
      <canvas
        ref={canvas}
        role="img"
        aria-label={`where the picture fits ${label}`}
        style={{ width: `${100 / covered.x}%`, height: `${100 / covered.y}%` }}
      />
    </div>
  );
}

function boxOf([x1, y1]: readonly [number, number], [x2, y2]: readonly [number, number]): Box {
  return { xmin: Math.min(x1, x2), ymin: Math.min(y1, y2), xmax: Math.max(x1, x2), ymax: Math.max(y1, y2) };
}

/** The largest score of each map inside a box. */
export function scoresIn(maps: readonly ScoreMap[], { xmin, ymin, xmax, ymax }: Box, picture: ImageData) {
  return maps.map(({ label, width, height, covered, scores }) => {
    const column = (x: number) => Math.min(width - 1, Math.floor((x / picture.width) * covered.x * width));
    const row = (y: number) => Math.min(height - 1, Math.floor((y / picture.height) * covered.y * height));
    let best = 0;
    for (let y = row(ymin); y <= row(ymax); y++)
      for (let x = column(xmin); x <= column(xmax); x++) best = Math.max(best, scores[y * width + x]!);
    return { label, score: best };
  });
}
