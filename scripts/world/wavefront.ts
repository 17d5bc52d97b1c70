// Wavefront models (.obj with .mtl) as triangles, and a small renderer for them. Only divisions and square roots: the same
// pixels on every machine.

export interface Texture {
  readonly width: number;
  readonly height: number;
  /** RGBA. */
  readonly data: Uint8Array;
}

export interface Material {
  colour: [number, number, number];
  opacity: number;
  texture: Texture | undefined;
}

interface Triangle {
  /** Three corners, each with x, y, z, u, v. */
  readonly corners: readonly (readonly [number, number, number, number, number])[];
  readonly material: Material;
}

const grey: Material = { colour: [180, 180, 180], opacity: 1, texture: undefined };

/** The triangles of an .obj file; polygons are split into fans. */
export function readTriangles(text: string, materials: ReadonlyMap<string, Material>): Triangle[] {
  const points: [number, number, number][] = [];
  const places: [number, number][] = [];
  const triangles: Triangle[] = [];
  let material = grey;
  for (const line of text.split("\n")) {
    const [key, ...words] = line.trim().split(/\s+/);
    if (key === "v") points.push([Number(words[0]), Number(words[1]), Number(words[2])]);
    else if (key === "vt") places.push([Number(words[0]), Number(words[1])]);
    else if (key === "usemtl") material = materials.get(words.join(" ")) ?? grey;
    else if (key === "f") {
      const corners = words.map((word) => {
        const [point, place] = word.split("/");
        const at = (list: readonly unknown[], index: string) =>
          Number(index) < 0 ? list.length + Number(index) : Number(index) - 1;
        const [x, y, z] = points[at(points, point ?? "1")] ?? [0, 0, 0];
        const [u, v] = (place && places[at(places, place)]) || [0, 0];
        return [x, y, z, u, v] as const;
      });
      for (let i = 2; i < corners.length; i++)
        triangles.push({ corners: [corners[0]!, corners[i - 1]!, corners[i]!], material });
    }
  }
  return triangles;
}

/** Camera direction: tangents of half the angles around the vertical axis and downwards. */
export interface View {
  readonly around: number;
  readonly down: number;
}

/** A picture (RGBA, colours multiplied by alpha, side × side) with a model in the middle, without perspective. */
export function renderModel(triangles: readonly Triangle[], view: View, side: number): Uint8Array {
  const fine = side * 2;
  const turned = triangles.map(({ corners, material }) => ({
    material,
    corners: corners.map((corner) => turn(corner, view)),
  }));
  const [left, right] = extent(turned, 0);
  const [bottom, top] = extent(turned, 1);
  const scale = (fine - 4) / Math.max(right - left, top - bottom);
  const layer = {
    colours: new Float32Array(fine * fine * 4),
    depths: new Float32Array(fine * fine).fill(-Infinity),
    fine,
  };
  const project = ([x, y, z, u, v]: Corner): Corner => [
    fine / 2 + (x - (left + right) / 2) * scale,
    fine / 2 - (y - (bottom + top) / 2) * scale,
    z * scale,
    u,
    v,
  ];
  const solid = turned.filter(({ material }) => material.opacity >= 0.9);
  const clear = turned.filter(({ material }) => material.opacity < 0.9);
  for (const { corners, material } of [...solid, ...clear]) {
    const [a, b, c] = corners as [Corner, Corner, Corner];
    fill(layer, [project(a), project(b), project(c)], material, lightOn(a, b, c));
  }
  return shrink(layer.colours, fine);
}

type Corner = readonly [number, number, number, number, number];

function turn([x, y, z, u, v]: Corner, { around, down }: View): Corner {
  const [cosine, sine] = circle(around);
  const [level, steep] = circle(down);
  const across = cosine * x + sine * z;
  const near = cosine * z - sine * x;
  return [across, level * y - steep * near, steep * y + level * near, u, v];
}

function circle(half: number): [number, number] {
  const norm = 1 + half * half;
  return [(1 - half * half) / norm, (2 * half) / norm];
}

function extent(triangles: readonly { corners: readonly Corner[] }[], axis: 0 | 1): [number, number] {
  let [least, most] = [Infinity, -Infinity];
  for (const { corners } of triangles)
    for (const corner of corners) {
      least = Math.min(least, corner[axis]);
      most = Math.max(most, corner[axis]);
    }
  return [least, most];
}

/** Light from above, from the left and from the camera; the same on both sides of a face. */
function lightOn(a: Corner, b: Corner, c: Corner): number {
  const [ux, uy, uz] = [b[0] - a[0], b[1] - a[1], b[2] - a[2]];
  const [vx, vy, vz] = [c[0] - a[0], c[1] - a[1], c[2] - a[2]];
  let [nx, ny, nz] = [uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx];
  const length = Math.sqrt(nx * nx + ny * ny + nz * nz) || 1;
  const face = nz < 0 ? -1 / length : 1 / length;
  [nx, ny, nz] = [nx * face, ny * face, nz * face];
  return Math.min(1.15, 0.5 + 0.35 * Math.max(0, 0.75 * ny - 0.45 * nx + 0.48 * nz) + 0.35 * nz);
}

interface Canvas {
  readonly colours: Float32Array;
  readonly depths: Float32Array;
  readonly fine: number;
}

function fill(
  { colours, depths, fine }: Canvas,
  [a, b, c]: [Corner, Corner, Corner],
  material: Material,
  light: number,
): void {
  const area = (b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1]);
  if (Math.abs(area) < 1e-9) return;
  const first = Math.max(0, Math.floor(Math.min(a[1], b[1], c[1])));
  const last = Math.min(fine - 1, Math.ceil(Math.max(a[1], b[1], c[1])));
  const from = Math.max(0, Math.floor(Math.min(a[0], b[0], c[0])));
  const to = Math.min(fine - 1, Math.ceil(Math.max(a[0], b[0], c[0])));
  for (let y = first; y <= last; y++)
    for (let x = from; x <= to; x++) {
      const [px, py] = [x + 0.5, y + 0.5];
      const second = ((px - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (py - a[1])) / area;
      const third = ((b[0] - a[0]) * (py - a[1]) - (px - a[0]) * (b[1] - a[1])) / area;
      const one = 1 - second - third;
      if (one < -1e-6 || second < -1e-6 || third < -1e-6) continue;
      const depth = one * a[2] + second * b[2] + third * c[2];
      const pixel = y * fine + x;
      if (depth <= depths[pixel]!) continue;
      const shade = shadeAt(
        material,
        one * a[3] + second * b[3] + third * c[3],
        one * a[4] + second * b[4] + third * c[4],
      );
      const alpha = shade[3] * material.opacity;
      if (alpha < 0.1) continue;
      if (alpha >= 0.9) depths[pixel] = depth;
      for (let k = 0; k < 3; k++)
        colours[pixel * 4 + k] = Math.min(255, shade[k]! * light) * alpha + colours[pixel * 4 + k]! * (1 - alpha);
      colours[pixel * 4 + 3] = 255 * alpha + colours[pixel * 4 + 3]! * (1 - alpha);
    }
}

function shadeAt({ colour, texture }: Material, u: number, v: number): [number, number, number, number] {
  if (!texture) return [...colour, 1];
  const column = Math.min(texture.width - 1, Math.floor((u - Math.floor(u)) * texture.width));
  const row = Math.min(texture.height - 1, Math.floor((1 - (v - Math.floor(v))) * texture.height));
  const at = (row * texture.width + column) * 4;
  const { data } = texture;
  return [data[at]!, data[at + 1]!, data[at + 2]!, data[at + 3]! / 255];
}

function shrink(colours: Float32Array, fine: number): Uint8Array {
  const side = fine / 2;
  const pixels = new Uint8Array(side * side * 4);
  for (let y = 0, to = 0; y < side; y++)
    for (let x = 0; x < side; x++)
      for (let k = 0; k < 4; k++, to++) {
        const at = (2 * y * fine + 2 * x) * 4 + k;
        pixels[to] =
          (colours[at]! + colours[at + 4]! + colours[at + fine * 4]! + colours[at + fine * 4 + 4]!) / 4 + 0.5;
      }
  return pixels;
}
