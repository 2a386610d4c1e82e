import { readdirSync, readFileSync } from "node:fs";
import { buildSchema, parse, validate } from "graphql";
import { expect, it } from "vitest";
import { examples } from "./examples";

const folder = "../schema/";
const schema = buildSchema(
  readdirSync(folder)
    .filter((name) => name.endsWith(".graphqls"))
    .map((name) => readFileSync(folder + name, "utf8"))
    .join("\n"),
);

it.each(examples.map(({ query }) => [query.split("\n")[0], query]))("%s", (_, query) => {
  expect(validate(schema, parse(query ?? ""))).toEqual([]);
});
