import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type DescriptorProtoSchema,
  type EnumDescriptorProtoSchema,
  type FieldDescriptorProtoSchema,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FieldDescriptorProto_Label as Label,
  type ServiceDescriptorProtoSchema,
  FieldDescriptorProto_Type as Type,
} from "@bufbuild/protobuf/wkt";
import protobuf from "protobufjs";

/**
 * The descriptors of .proto files of syntax proto3, by their text: one for each package, whatever
 * files it is in. Throws what cannot be read, or names what is not there.
 */
export function readProtos(texts: readonly string[]): readonly FileDescriptorProto[] {
  const root = new protobuf.Root();
  const packages = new Set<string>();
  const imports = new Set<string>();
  for (const text of texts) {
    const parsed = protobuf.parse(text, root, { keepCase: true });
    packages.add(parsed.package!);
    for (const name of parsed.imports ?? []) if (name.startsWith(google)) imports.add(name);
  }
  for (const name of imports) root.addJSON(protobuf.common.get(name)!.nested!);
  root.resolveAll();
  return [...packages].map((name) => packageOf(root.lookup(name) as protobuf.Namespace, imports));
}

const google = "google/protobuf/";

function packageOf(found: protobuf.Namespace, imports: ReadonlySet<string>): FileDescriptorProto {
  const all = found.nestedArray;
  const name = found.fullName.slice(1);
  return create(FileDescriptorProtoSchema, {
    ...{ name: `${name}.proto`, package: name, syntax: "proto3" },
    dependency: usesGoogle(found) ? [...imports].sort() : [],
    messageType: all.filter((one) => one instanceof protobuf.Type).map(messageOf),
    enumType: all.filter((one) => one instanceof protobuf.Enum).map(enumOf),
    service: all.filter((one) => one instanceof protobuf.Service).map(serviceOf),
  });
}

function usesGoogle(found: protobuf.Namespace): boolean {
  return found.nestedArray.some(
    (one) =>
      one instanceof protobuf.Type &&
      one.fieldsArray.some(({ resolvedType }) =>
        resolvedType?.fullName.startsWith(".google.protobuf."),
      ),
  );
}

function messageOf(type: protobuf.Type): MessageInitShape<typeof DescriptorProtoSchema> {
  const maps = type.fieldsArray.filter((field) => field instanceof protobuf.MapField);
  // Each field that is `optional` lies in a oneof of its own, and those stand behind the others.
  const oneofs = type.oneofsArray.toSorted((a, b) => Number(isOptional(a)) - Number(isOptional(b)));
  return {
    name: type.name,
    field: type.fieldsArray.map((field) => ({
      ...fieldOf(field),
      ...(field.partOf === null ? {} : { oneofIndex: oneofs.indexOf(field.partOf) }),
    })),
    nestedType: maps.map(entryOf),
    enumType: type.nestedArray.filter((one) => one instanceof protobuf.Enum).map(enumOf),
    oneofDecl: oneofs.map(({ name }) => ({ name })),
  };
}

function isOptional(oneof: protobuf.OneOf): boolean {
  return oneof.fieldsArray.some(({ options }) => options?.proto3_optional === true);
}

type FieldInit = MessageInitShape<typeof FieldDescriptorProtoSchema>;

function fieldOf(field: protobuf.Field): FieldInit {
  const { name, id: number } = field;
  if (field instanceof protobuf.MapField) {
    const typeName = `${field.parent!.fullName}.${entryName(name)}`;
    return { name, number, label: Label.REPEATED, type: Type.MESSAGE, typeName };
  }
  return {
    ...{ name, number, label: field.repeated ? Label.REPEATED : Label.OPTIONAL },
    ...typeOf(field.type, field.resolvedType),
    ...(field.options?.proto3_optional === true ? { proto3Optional: true } : {}),
  };
}

/** A map is a list of messages of key and value. */
function entryOf(map: protobuf.MapField): MessageInitShape<typeof DescriptorProtoSchema> {
  const label = Label.OPTIONAL;
  return {
    name: entryName(map.name),
    field: [
      { name: "key", number: 1, label, ...typeOf(map.keyType, null) },
      { name: "value", number: 2, label, ...typeOf(map.type, map.resolvedType) },
    ],
    options: { mapEntry: true },
  };
}

/** `PodLabelsEntry` of `pod_labels`. */
function entryName(name: string): string {
  return `${name.replaceAll(/(?:^|_)(.)/g, (_, first: string) => first.toUpperCase())}Entry`;
}

function typeOf(word: string, resolved: protobuf.Type | protobuf.Enum | null): FieldInit {
  if (resolved !== null) {
    const type = resolved instanceof protobuf.Enum ? Type.ENUM : Type.MESSAGE;
    return { type, typeName: resolved.fullName };
  }
  return { type: Type[word.toUpperCase() as keyof typeof Type] };
}

function enumOf(found: protobuf.Enum): MessageInitShape<typeof EnumDescriptorProtoSchema> {
  const value = Object.entries(found.values).map(([name, number]) => ({ name, number }));
  return { name: found.name, value };
}

function serviceOf(found: protobuf.Service): MessageInitShape<typeof ServiceDescriptorProtoSchema> {
  return {
    name: found.name,
    method: found.methodsArray.map((method) => ({
      name: method.name,
      inputType: method.resolvedRequestType!.fullName,
      outputType: method.resolvedResponseType!.fullName,
      serverStreaming: method.responseStream === true,
    })),
  };
}
