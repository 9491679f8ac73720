import { type RegoEntry, RegoObject, RegoSet, type RegoValue, typeName } from "../value.ts";
import { type Builtin, BuiltinError } from "./builtin.ts";
import { identityOf } from "./equality.ts";
import { arrayOf, objectOf, stringOf } from "./operands.ts";

/** JSON Patch, with sets, whose members are their own paths: internal/edittree. */
export const jsonPatch: Builtin = (target, operations) => {
  let document: RegoValue | undefined = target;
  for (const raw of arrayOf(operations)) {
    const operation = objectOf(raw);
    document = apply(document, operation, pathOf(operation.get("path")));
  }
  return document;
};

type Path = readonly RegoValue[];
/** undefined: removed. */
type Document = RegoValue | undefined;

function apply(document: Document, operation: RegoObject, path: Path): Document {
  const value = () => required(operation.get("value"), "value");
  const from = () => pathOf(operation.get("from"));
  switch (stringOf(operation.get("op"))) {
    case "add":
      return add(document, path, value());
    case "remove":
      return remove(document, path);
    case "replace":
      return add(remove(document, path), path, value());
    case "move":
      return add(remove(document, from()), path, valueAt(document, from()));
    case "copy":
      return add(document, path, valueAt(document, from()));
    case "test":
      if (identityOf(valueAt(document, path)) === identityOf(value())) return document;
      throw new BuiltinError("test failed");
    default:
      throw new BuiltinError("unrecognized op");
  }
}

/** Segments of a JSON pointer, or of an array. Leading slashes do not count, however many. */
function pathOf(value: RegoValue | undefined): Path {
  if (Array.isArray(value)) return value;
  const text = stringOf(required(value, "path"));
  if (text === "") return [];
  const segments = text.replace(/^\/+/, "").split("/");
  return segments.map((segment) => segment.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function required(value: RegoValue | undefined, name: string): RegoValue {
  if (value === undefined) throw new BuiltinError(`missing required attribute ${name}`);
  return value;
}

function valueAt(document: Document, path: Path): RegoValue {
  return path.reduce((value: RegoValue, key) => childOf(value, key), required(document, "target"));
}

function childOf(value: RegoValue, key: RegoValue): RegoValue {
  let child: RegoValue | undefined;
  if (Array.isArray(value)) child = value[indexOf(value, key)];
  else if (value instanceof RegoSet) child = find(value.items, key);
  else if (value instanceof RegoObject) {
    const name = identityOf(key);
    child = value.entries.find(([k]) => identityOf(k) === name)?.[1];
  } else throw new BuiltinError(`expected composite type, found ${typeName(value)}`);
  return required(child, "path");
}

function find(items: readonly RegoValue[], key: RegoValue): RegoValue | undefined {
  const name = identityOf(key);
  return items.find((item) => identityOf(item) === name);
}

function add(document: Document, path: Path, value: RegoValue): Document {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  const parent = required(document, "target");
  if (rest.length > 0) return replaceChild(parent, key, add(childOf(parent, key), rest, value)!);
  if (Array.isArray(parent)) {
    const index = indexOf(parent, key);
    if (index > parent.length) throw new BuiltinError("index out of bounds");
    return parent.toSpliced(index, 0, value);
  }
  if (parent instanceof RegoObject) return withEntry(parent, key, value);
  if (!(parent instanceof RegoSet)) throw new BuiltinError(`no place in ${typeName(parent)}`);
  if (identityOf(key) !== identityOf(value)) throw new BuiltinError("set key is not the value");
  return find(parent.items, key) === undefined ? new RegoSet([...parent.items, value]) : parent;
}

function remove(document: Document, path: Path): Document {
  const [key, ...rest] = path;
  const parent = required(document, "target");
  if (key === undefined) return undefined;
  const child = childOf(parent, key);
  if (rest.length > 0) return replaceChild(parent, key, remove(child, rest)!);
  if (Array.isArray(parent)) return parent.toSpliced(indexOf(parent, key), 1);
  const name = identityOf(key);
  if (parent instanceof RegoSet) {
    return new RegoSet(parent.items.filter((item) => identityOf(item) !== name));
  }
  return new RegoObject(objectOf(parent).entries.filter(([k]) => identityOf(k) !== name));
}

function replaceChild(parent: RegoValue, key: RegoValue, child: RegoValue): RegoValue {
  if (Array.isArray(parent)) return parent.with(indexOf(parent, key), child);
  if (parent instanceof RegoObject) return withEntry(parent, key, child);
  const name = identityOf(key);
  const items = (parent as RegoSet).items.filter((item) => identityOf(item) !== name);
  return new RegoSet([...items, child]);
}

function withEntry(object: RegoObject, key: RegoValue, value: RegoValue): RegoObject {
  const name = identityOf(key);
  const others = object.entries.filter(([k]) => identityOf(k) !== name);
  const entry: RegoEntry = [key, value];
  return new RegoObject([...others, entry]);
}

/** `-` is behind the last. */
function indexOf(array: readonly RegoValue[], key: RegoValue): number {
  if (key === "-") return array.length;
  const text = typeof key === "number" ? String(key) : stringOf(key);
  if (!/^(0|[1-9]\d*)$/.test(text)) throw new BuiltinError(`${text} is no index`);
  return Number(text);
}
