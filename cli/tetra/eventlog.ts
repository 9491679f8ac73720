import { EventLogService } from "@guardbee/agent/grpc-client";
import { UsageError } from "../command.ts";
import { tetraCommand } from "./command.ts";
import { askAgent } from "./connection.ts";

const methods = EventLogService.method;

export const eventlogGet = tetraCommand({
  ...{ name: "eventlog get", positionals: "", example: "eventlog get" },
  summary: "Print when the event file is rotated, and how many are kept",
  async run(args, io) {
    const { maxSize, rotationInterval, maxBackups } = await askAgent(args, io, (client, options) =>
      client.call(methods.getEventLogParams, {}, options),
    );
    const fields = [
      ...(maxSize === 0 ? [] : [`max_size:${maxSize}`]),
      ...(rotationInterval === "" ? [] : [`rotation_interval:${JSON.stringify(rotationInterval)}`]),
      ...(maxBackups === 0 ? [] : [`max_backups:${maxBackups}`]),
    ];
    io.stdout.write(`Current logging parameters: ${fields.join(" ")}\n`);
  },
});

export const eventlogSet = tetraCommand<{
  readonly maxSize?: number;
  readonly maxBackups?: number;
  readonly rotationInterval?: string;
}>({
  ...{ name: "eventlog set", positionals: "", example: "eventlog set --max-size 20" },
  summary: "Change when the event file is rotated, until the agent ends",
  options: (yargs) =>
    yargs
      .option("max-size", { type: "number", describe: "When it is as large as this, in MiB" })
      .option("max-backups", {
        type: "number",
        describe: "How many rotated files are kept; 0: all",
      })
      .option("rotation-interval", {
        type: "string",
        describe: "So long after the last time; 0: never",
      }),
  async run({ maxSize, maxBackups, rotationInterval, ...args }, io) {
    for (const value of [maxSize, maxBackups]) {
      if (value !== undefined && !Number.isInteger(value))
        throw new UsageError(`${value} is no whole number`);
    }
    const request = {
      ...(maxSize === undefined ? {} : { maxSize }),
      ...(maxBackups === undefined ? {} : { maxBackups }),
      ...(rotationInterval === undefined ? {} : { rotationInterval }),
    };
    await askAgent(args, io, (client, options) =>
      client.call(methods.setEventLogParams, request, options),
    );
  },
});
