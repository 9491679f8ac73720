import { aNumber } from "../command.ts";

const jsonObjects = (describe: string) => ({ type: "string", default: "", describe }) as const;

/** Options of the agent that say which events go to files and readers, and in which form; Tetragon's names. */
export const exportOptions = {
  "events-file": {
    alias: "export-filename",
    type: "string",
    default: "/var/run/guardbee/events.log",
    describe: "JSON lines of events; empty: no file",
  },
  "events-file-max-mb": {
    ...aNumber("events-file-max-mb", 0, 1_000_000),
    alias: "export-file-max-size-mb",
    default: 10,
    describe: "The file is rotated when it is as large as this, in MiB; 0: 100",
  },
  "events-file-backups": {
    ...aNumber("events-file-backups", 0, 1_000_000),
    alias: "export-file-max-backups",
    default: 5,
    describe: "How many rotated files are kept; 0: all",
  },
  "export-format": {
    choices: ["json", "ocsf"] as const,
    default: "json",
    describe: "What a line of the file is: an event as Tetragon writes it, or one of OCSF",
  },
  "export-file-rotation-interval": {
    type: "string",
    default: "0",
    describe: "The file is also rotated this long after the last time: 24h, 90m; 0: by size alone",
  },
  "export-file-compress": {
    type: "boolean",
    default: false,
    describe: "Compress rotated files, all but the newest, which readers may be in",
  },
  "export-file-perm": {
    type: "string",
    default: "600",
    describe:
      "Permissions of the file, in octal; nobody gets to execute it, nor others to write it",
  },
  "export-rate-limit": {
    ...aNumber("export-rate-limit", -1, 1_000_000_000),
    default: -1,
    describe:
      "How many events a minute the file gets, but every stop; -1: all, 0: there is no file",
  },
  "export-allowlist": jsonObjects(
    "Filters, JSON objects one after another: the file has only events that one of them matches",
  ),
  "export-denylist": jsonObjects(
    "Filters, JSON objects one after another: the file has no event that one of them matches",
  ),
  "field-filters": jsonObjects(
    "JSON objects one after another, with event_set, fields and action: which fields the file has",
  ),
  "redaction-filters": jsonObjects(
    "JSON objects one after another, with redact and binary_regex: groups of matches in arguments are hidden everywhere",
  ),
  "enable-pid-set-filter": {
    type: "boolean",
    default: false,
    describe: "Let filters use pid_set, which may miss processes that ran before the agent did",
  },
  "otlp-endpoint": {
    type: "string",
    default: "",
    describe:
      "URL of a receiver of OTLP that gets events as log records, such as http://collector:4317; empty: none",
  },
  "otlp-protocol": {
    choices: ["grpc", "http/protobuf"] as const,
    default: "grpc",
    describe: "How it is asked; over HTTP at the endpoint's path and /v1/logs",
  },
} as const;
