import { describeKprobe } from "./compact-kprobe.ts";
import { stackLines } from "./compact-stacks.ts";
import type { EventLine, Json } from "./event-line.ts";
import { quoteIfNeeded } from "./go-quote.ts";
import { createPaint, type Paint } from "./paint.ts";

export type CompactOptions = {
  readonly color: "colored" | "plain";
  /** Each line starts with the event's time. */
  readonly timestamps: boolean;
};

/** What a line says about an event after the process: a glyph and name, and the details. */
export type Description = {
  readonly glyph: string;
  readonly name: string;
  readonly details: readonly string[];
};

/**
 * One event as upstream's compact form shows it (upstream-events-cli.md §3.1), without a final
 * newline: glyph, name, namespace/pod or node, executable, details. Spaces at the end of a line,
 * which upstream leaves where a detail is empty, are cut. undefined: this kind has no compact form.
 */
export function formatCompact(line: EventLine, options: CompactOptions): string | undefined {
  const paint = createPaint(options.color);
  const text = body(line, paint);
  if (text === undefined) return undefined;
  const time = options.timestamps ? `${formatTime(line.time)} ` : "";
  const full = `${time}${text}`;
  return [
    `${full}${capsTrailer(full, line.event.get("process"), paint)}`.replace(/ +$/, ""),
    ...stackLines(line, paint),
  ].join("\n");
}

function body(line: EventLine, paint: Paint): string | undefined {
  const { kind, event, nodeName } = line;
  const process = event.get("process");
  const args = paint.cyan(quoteIfNeeded(process.text("arguments")));
  const about = ({ glyph, name, details }: Description) =>
    [paint.blue(tag(glyph, name)), source(process, nodeName, paint), ...details].join(" ");
  switch (kind) {
    case "process_exec":
      return about({ glyph: "🚀", name: "process", details: [args] });
    case "process_exit":
      return about({ glyph: "💥", name: "exit", details: [args, paint.red(ending(event))] });
    case "process_kprobe":
      return about(painted(describeKprobe(event), paint));
    case "process_tracepoint":
      return about(painted(describeTracepoint(event), paint));
    case "process_lsm":
      return about({
        glyph: "🔒",
        name: "LSM",
        details: [paint.cyan(event.text("function_name"))],
      });
    case "process_loader":
      return about({ glyph: "🧬", name: "loader", details: loaded(event, paint) });
    case "process_uprobe":
      return about({ glyph: "🕵️", name: "uprobe", details: quoted(event, ["path", "symbol"]) });
    case "process_usdt":
      return about({
        glyph: "🕵️",
        name: "usdt",
        details: quoted(event, ["path", "provider", "name"]),
      });
    case "process_throttle":
      return throttled(event, paint);
    case "test":
      return "TEST EVENT";
    case "rate_limit_info":
      return undefined;
  }
}

function tag(glyph: string, name: string): string {
  return `${glyph} ${name.padEnd(7)}`;
}

function source(process: Json, nodeName: string, paint: Paint): string {
  const pod = process.get("pod");
  const where = process.has("pod")
    ? `${pod.text("namespace")}/${pod.text("name")}`
    : quoteIfNeeded(nodeName);
  return `${paint.green(where)} ${paint.magenta(quoteIfNeeded(process.text("binary")))}`;
}

function painted(description: Description, paint: Paint): Description {
  return { ...description, details: description.details.map(paint.cyan) };
}

function ending(event: Json): string {
  return event.text("signal") || event.text("status") || "0";
}

function quoted(event: Json, keys: readonly string[]): readonly string[] {
  return keys.map((key) => quoteIfNeeded(event.text(key)));
}

function loaded(event: Json, paint: Paint): readonly string[] {
  const buildId = Buffer.from(event.text("buildid"), "base64").toString("hex");
  return [...(buildId === "" ? [] : [buildId]), paint.yellow(quoteIfNeeded(event.text("path")))];
}

function throttled(event: Json, paint: Paint): string {
  const started = event.text("type") === "THROTTLE_START";
  const what = started ? paint.red("START") : paint.green("STOP ");
  const cgroup = event.text("cgroup").replace(/\0+$/, "");
  return `${paint.red("🧬 throttle")} ${what} ${paint.cyan(quoteIfNeeded(cgroup))}`;
}

/** A raw system call is shown by its number: names differ by architecture, which no event tells. */
function describeTracepoint(event: Json): Description {
  const [subsys, name] = [event.text("subsys"), event.text("event")];
  if (subsys !== "raw_syscalls" || name !== "sys_enter") {
    return { glyph: "⁉️", name: "tracepoint", details: [`${subsys} ${name}`] };
  }
  const id = event.list("args")[0]?.get("syscall_id");
  return { glyph: "☎ ", name: "syscall", details: [id?.text("id") || "unknown"] };
}

/** 9 digits of fraction always, so that lines stand below each other. */
function formatTime(time: string): string {
  const [whole, fraction = ""] = (time || "1970-01-01T00:00:00Z").replace(/Z$/, "").split(".");
  return `${whole}.${fraction.padEnd(9, "0").slice(0, 9)}Z`;
}

/** Stands at the right edge of 120 bytes where the line leaves room. */
function capsTrailer(line: string, process: Json, paint: Paint): string {
  const effective = process.get("cap").texts("effective");
  if (!effective.includes("CAP_SYS_ADMIN")) return "";
  const caps = paint.magenta("🛑 CAP_SYS_ADMIN");
  const room = Math.max(0, lineBytes - Buffer.byteLength(line));
  return ` ${" ".repeat(Math.max(0, room - [...caps].length))}${caps}`;
}

const lineBytes = 120;
