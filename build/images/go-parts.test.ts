import assert from "node:assert/strict";
import { test } from "node:test";
import { licenseIn, linkedModules } from "./go-parts.ts";

test("linkedModules names what is linked, a replacement in place of what it replaces", () => {
  const info = [
    "/opa: go1.26.8",
    "\tpath\texample.org/opa",
    "\tmod\texample.org/opa\t(devel)\t",
    "\tdep\texample.org/a\tv1.0.0\th1:x=",
    "\tdep\texample.org/b\tv1.0.0",
    "\t=>\texample.org/fork\tv1.0.1\th1:y=",
    "\tbuild\tCGO_ENABLED=0",
  ];
  assert.deepEqual(linkedModules(info.join("\n")), [
    { module: "example.org/a", version: "v1.0.0" },
    { module: "example.org/fork", version: "v1.0.1" },
  ]);
});

const texts: readonly { text: string; want: readonly string[] }[] = [
  { text: "Apache License\n   Version 2.0, January 2004", want: ["Apache-2.0"] },
  { text: "Permission is hereby granted, free of\ncharge, to any person", want: ["MIT"] },
  {
    text: "Redistribution and use in source and binary forms\n... Neither the name of",
    want: ["BSD-3-Clause"],
  },
  { text: "Redistribution and use in source and binary forms, 1. 2.", want: ["BSD-2-Clause"] },
  { text: "All rights reserved", want: [] },
];
for (const { text, want } of texts) {
  test(`a text is ${want.join() || "no licence that is known"}`, () => {
    assert.deepEqual(licenseIn(Buffer.from(text)), want);
  });
}
