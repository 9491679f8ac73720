import { enums } from "../gen/layout.ts";
import { Accounts } from "./accounts.ts";
import type { ImageDetails } from "./image.ts";
import type { ProcessOptions } from "./options.ts";
import { namespacesIn } from "./scan-details.ts";

const { ASKED_IDENTITY, ASKED_ENVIRONMENT } = enums.exec_asked;

/** What images are to show by the agent's flags. `refresh` is to be called about once a second. */
export async function openDetails(
  options: ProcessOptions & { readonly procfs: string },
): Promise<ImageDetails & { readonly refresh: () => void }> {
  const { procfs } = options;
  const accounts = options.usernameMetadata === "unix" ? new Accounts(procfs) : undefined;
  return {
    ...(accounts && { accounts }),
    credentials: options.enableProcessCred,
    ...(options.enableProcessNs && { hostNamespaces: await namespacesIn(`${procfs}/1`) }),
    ...(options.enableProcessEnvironmentVariables && {
      environment: new Set(options.filterEnvironmentVariables),
    }),
    refresh: () => accounts?.refresh(),
  };
}

/** process_state.asked: what exec events have to have for that. */
export function askedOf(
  options: Pick<
    ProcessOptions,
    "enableProcessCred" | "enableProcessNs" | "enableProcessEnvironmentVariables"
  >,
): number {
  const identity = options.enableProcessCred || options.enableProcessNs;
  const environment = options.enableProcessEnvironmentVariables;
  return (identity ? ASKED_IDENTITY : 0) | (environment ? ASKED_ENVIRONMENT : 0);
}
