#!/usr/bin/env node
import { basename } from "node:path";
import { launch } from "./launch.js";

// A link that is named as upstream's client is that.
await launch(basename(process.argv[1] ?? "") === "tetra" ? "tetra-main" : "main");
