import { capabilitiesIn, securebitsIn } from "../../args/credentials.ts";
import { jsonText } from "../../json/json-text.ts";
import type { BinaryProperties, Namespace } from "../../process/identity.ts";
import type { Image } from "../../process/image.ts";

/** `cap` and `ns`, which stand before `tid`. */
export function beforeTid({ credentials, namespaces }: Image): string {
  return `${credentials === undefined ? "" : capJson(credentials)}${namespacesJson(namespaces)}`;
}

/** `process_credentials`, which stands behind `tid`. */
export function afterTid({ credentials }: Image): string {
  if (credentials === undefined) return "";
  const ids = (["uid", "gid", "euid", "egid", "suid", "sgid", "fsuid", "fsgid"] as const).map(
    (name) => `"${name}":${credentials[name]}`,
  );
  const bits = listFields({ securebits: securebitsIn(credentials.securebits) });
  return `,"process_credentials":{${[...ids, ...bits].join(",")}}`;
}

/** Nothing where nothing is special about the program. */
export function binaryJson(properties: BinaryProperties | undefined): string {
  const { setuid, setgid, fileCapabilities, inode } = properties ?? {};
  const raised = [
    ...(fileCapabilities === undefined ? [] : ["CAP"]),
    ...(setuid === undefined ? [] : ["SETUID"]),
    ...(setgid === undefined ? [] : ["SETGID"]),
  ].map((how) => `PRIVILEGES_RAISED_EXEC_FILE_${how}`);
  const fields = [
    ...(setuid === undefined ? [] : [`"setuid":${setuid}`]),
    ...(setgid === undefined ? [] : [`"setgid":${setgid}`]),
    ...listFields({ privileges_changed: raised }),
    ...(inode === undefined ? [] : [`"file":{"inode":{"number":"${inode}","links":0}}`]),
  ];
  return fields.length === 0 ? "" : `,"binary_properties":{${fields.join(",")}}`;
}

export function environmentJson(environment: Image["environment"]): string {
  if (environment === undefined || environment.length === 0) return "";
  const variables = environment.map(([name, value]) => {
    const fields = [
      ...(name === "" ? [] : [`"Key":${jsonText(name)}`]),
      ...(value === "" ? [] : [`"Value":${jsonText(value)}`]),
    ];
    return `{${fields.join(",")}}`;
  });
  return `,"environment_variables":[${variables.join(",")}]`;
}

function capJson({ permitted, effective, inheritable }: NonNullable<Image["credentials"]>): string {
  const fields = listFields({
    permitted: upstreamNames(permitted),
    effective: upstreamNames(effective),
    inheritable: upstreamNames(inheritable),
  });
  return `,"cap":{${fields.join(",")}}`;
}

/** In upstream's enum one has no prefix. */
function upstreamNames(bits: bigint): readonly string[] {
  return capabilitiesIn(bits).map((name) => (name === "CAP_DAC_OVERRIDE" ? "DAC_OVERRIDE" : name));
}

function namespacesJson(namespaces: readonly Namespace[] | undefined): string {
  if (namespaces === undefined) return "";
  const fields = namespaces.map(
    ({ name, inode, isHost }) => `"${name}":{"inum":${inode}${isHost ? ',"is_host":true' : ""}}`,
  );
  return `,"ns":{${fields.join(",")}}`;
}

function listFields(lists: Readonly<Record<string, readonly string[]>>): readonly string[] {
  return Object.entries(lists).flatMap(([name, words]) =>
    words.length === 0 ? [] : [`"${name}":${JSON.stringify(words)}`],
  );
}
