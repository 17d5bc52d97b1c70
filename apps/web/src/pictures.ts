/** Pictures that a user gives. */

export interface GivenPicture {
  name: string;
  /** To show it. */
  address: string;
  pixels: ImageData;
}

/** The longest side that is kept: the model sees less. */
const LONGEST = 1600;

/** Decodes a file. Throws an Error that names it. */
export async function givenPicture(file: Blob, name: string): Promise<GivenPicture> {
  const bitmap = await createImageBitmap(file).catch(() => {
    throw new Error(`${name} is not a picture that this browser can read; give a JPEG, PNG, WebP, GIF or BMP`);
  });
  const scale = Math.min(1, LONGEST / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = canvas.getContext("2d", { willReadFrequently: true })!;
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return { name, address: URL.createObjectURL(file), pixels: context.getImageData(0, 0, canvas.width, canvas.height) };
}

/** The picture files in what was dropped or pasted. */
export function filesIn(data: DataTransfer | null): File[] {
  return [...(data?.files ?? [])].filter(({ type }) => type.startsWith("image/"));
}

const colours = ["#0b7", "#e53", "#27e", "#c2a", "#a70", "#085", "#a22", "#63c", "#087", "#b50"];

/** A colour for each label, the same as long as the page is open. */
const known = new Map<string, string>();
export function colourOf(label: string): string {
  const colour = known.get(label) ?? colours[known.size % colours.length]!;
  known.set(label, colour);
  return colour;
}
