/** The page that shows how the service is used: HTML without scripts, made from the schemas. */

import { z } from "zod";
import { xmlText } from "../../../files/xml-text.ts";
import { type OperationName, operationNames, operations } from "./schemas.ts";

const STYLE = `body{font:1rem/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}
pre{overflow-x:auto;padding:.75rem;border:1px solid #8886}table{border-collapse:collapse;width:100%}
td,th{text-align:left;padding:.25rem .75rem .25rem 0;vertical-align:top;border-bottom:1px solid #8884}code{font-size:.9em}`;

/** What the page may do: show itself. */
export const PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

/** The page. `base` is the URL of the service in the examples. */
export function apiPage(version: string, base: string): string {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>Groundling service</title><style>${STYLE}</style>
<h1>Groundling ${xmlText(version)}</h1>
<p>Each operation takes JSON, a form, or the bytes of a picture file with the fields as query parameters. The full description is <a href="/openapi.json">/openapi.json</a>;
<a href="/v1/models">/v1/models</a> lists the models. If the service has tokens, add <code>-H "Authorization: Bearer TOKEN"</code>.</p>
${operationNames.map((name) => section(name, base)).join("\n")}
</html>`;
}

function section(name: OperationName, base: string): string {
  const { about, example, request } = operations[name];
  const { properties = {}, required = [] } = z.toJSONSchema(request, { io: "input" });
  const rows = Object.entries(properties)
    .filter(([field]) => field !== "image")
    .map(([field, schema]) => {
      const { type, description } = schema as { type?: string; description?: string };
      return `<tr><td><code>${xmlText(field)}</code><td>${type ?? ""}${required.includes(field) ? ", required" : ""}<td>${xmlText(description ?? "")}`;
    });
  const form = `-F image=@photo.jpg -F 'request=${JSON.stringify(example)}'`;
  return `<h2 id="${name}"><code>POST /v1/${name}</code></h2><p>${xmlText(about)}</p>
<pre>${xmlText(`curl ${base}/v1/${name} ${form}`)}</pre>
<table><tr><th>field<th>type<th>what${rows.join("")}</table>`;
}
