/** Reads a labelling configuration of Label Studio. */

import { decodeXML } from "entities";
import { parseXml, type XmlElement } from "../../../data/readers/xml.ts";
import { InputError } from "../../../errors.ts";

/** What is labelled in which pictures. */
export interface LabelConfig {
  /** Name of the control, `RectangleLabels`. */
  readonly from: string;
  /** Name of the picture, `Image`. */
  readonly to: string;
  /** The key of the picture in a task's data. */
  readonly key: string;
  /** The label for a name to find: the names in `predicted_values`, else the label itself. */
  readonly labelOf: ReadonlyMap<string, string>;
  readonly threshold: number | undefined;
}

/** Throws InputError if there are no rectangles to label in a picture. */
export function readLabelConfig(text: string): LabelConfig {
  const elements = allIn(parseXml(text, "the labelling configuration"));
  const control = elements.find(({ name }) => name === "RectangleLabels");
  const { name: from, toName: to, model_score_threshold: score = "" } = control ? attributesOf(control) : {};
  const picture = elements.find((element) => element.name === "Image" && attributesOf(element)["name"] === to);
  const key = /^\$(\w+)$/.exec((picture && attributesOf(picture)["value"]) ?? "")?.[1];
  if (!control || !from || !to || !key)
    throw new InputError(
      'the labelling configuration has no RectangleLabels for an Image with a value such as "$image"',
    );
  const threshold = score === "" ? Number.NaN : Number(score);
  return { from, to, key, labelOf: labelsIn(control), threshold: Number.isNaN(threshold) ? undefined : threshold };
}

function labelsIn(control: XmlElement): Map<string, string> {
  const labelOf = new Map<string, string>();
  for (const element of allIn(control)) {
    const { value, predicted_values: predicted } = attributesOf(element);
    if (element.name !== "Label" || !value) continue;
    for (const found of (predicted ?? value).split(",").map((one) => one.trim())) if (found) labelOf.set(found, value);
  }
  return labelOf;
}

function attributesOf({ attributes }: XmlElement): Readonly<Record<string, string>> {
  const found = attributes.matchAll(/([\w:-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g);
  return Object.fromEntries(
    Array.from(found, ([, name, double, single]) => [name!, decodeXML(double ?? single ?? "")]),
  );
}

function allIn(element: XmlElement): XmlElement[] {
  return [element, ...element.children.flatMap(allIn)];
}
