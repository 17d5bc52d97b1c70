/** Checks boxes of any format. */
import type { Xywh } from "./dataset.ts";
import type { Place, Problems } from "./problems.ts";

/** Boxes may exceed the picture by rounding. */
const slack = 1;

/** Reports boxes without area, and boxes that extend beyond the picture. */
export function checkBox(
  [x, y, width, height]: Xywh,
  picture: { width: number; height: number },
  { problems, place }: { problems: Problems; place: Place },
): void {
  const text = `[${[x, y, width, height].join(", ")}]`;
  if (width <= 0 || height <= 0) {
    problems.warn(
      place,
      `box ${text} (x, y, width, height) has no area, so no detection can match it; remove or redraw it`,
    );
  }
  const isOutside =
    x < -slack || y < -slack || x + width > picture.width + slack || y + height > picture.height + slack;
  if (isOutside && picture.width > 0) {
    problems.warn(
      place,
      `box ${text} (x, y, width, height) extends beyond the picture of ${picture.width} × ${picture.height} pixels; correct its coordinates`,
    );
  }
}
