import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { isBuiltin } from "node:module";
import { basename, dirname, join, relative } from "node:path";
import { type BuildOptions, build, type Plugin } from "esbuild";

/** All code lies in one folder, at the same depth as the sources of `cli`. */
const codeFolder = "cli";

export const addon = "agent/kernel/build/guardbee.node";

/** Beside the code: what it opens by a path. Those that are not there yet are built later. */
const opened = ["cli/bin", "rego", "bpf/build", addon];

/**
 * Writes the application at `appRoot` to `out` as a few files of JavaScript, packages of others
 * included: finding, reading and compiling hundreds of modules is most of what a start takes.
 * `more` names sources to bundle with it, which come to lie beside `cli/main.js`. Gives the folders
 * of the packages of others that are in it, relative to `appRoot`. Throws what esbuild refuses.
 */
export async function bundleApp(
  appRoot: string,
  out: string,
  more: readonly string[] = [],
): Promise<readonly string[]> {
  rmSync(out, { recursive: true, force: true });
  const workers = importsOf(appRoot, "operator");
  const names = Object.keys(workers);
  const programs = ["main", "tetra-main", "kubectl-main", "kubectl-complete-main"];
  const mains = programs.map((name) => `cli/${name}.ts`);
  const sources = [...mains, ...names.map((name) => join("operator", workers[name]!)), ...more];
  const common = asOneFile(appRoot, join(out, codeFolder), out);
  const { metafile } = await build({
    ...common,
    plugins: [...common.plugins, packagesApart, packagesOfHelp],
    splitting: true,
    entryPoints: [
      ...sources.map((path) => ({ in: path, out: basename(path, ".ts") })),
      ...apart.map((name) => ({ in: name, out: fileOf(name) })),
    ],
    // Node keeps the text of what runs, with two bytes a character where a comment has an arrow.
    ...{ minifyWhitespace: true, lineLimit: 120 },
    metafile: true,
    logLevel: "warning",
  });
  const imports = names.map((name) => [name, `./${basename(workers[name]!, ".ts")}.js`]);
  const manifest = { type: "module", imports: Object.fromEntries(imports) };
  writeFileSync(join(out, codeFolder, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  for (const part of opened) copyIfThere(join(appRoot, part), join(out, part));
  const files = Object.keys(metafile.inputs).filter((path) => !path.startsWith(`${ofHelp}:`));
  const packages = files.flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path) ?? []);
  return [...new Set(packages)].sort();
}

/**
 * How esbuild makes one file in the folder `outdir` of each entry point, packages of others included.
 * What the sources of `appRoot` open by a path is there to be found below `opensFrom`.
 */
export function asOneFile(appRoot: string, outdir: string, opensFrom = appRoot) {
  return {
    ...{ bundle: true, format: "esm", platform: "node", target: "node24" },
    ...{ absWorkingDir: appRoot, outdir },
    plugins: [pathsOfSources(appRoot, relative(outdir, opensFrom)), builtinsAsRequired],
    // Packages of CommonJS ask for Node's own modules by it.
    banner: {
      js: `import { createRequire as requireFor } from "node:module";\nconst require = requireFor(import.meta.url);`,
    },
  } satisfies BuildOptions;
}

/** What the sources take for their own place: `import.meta.url` of a bundle is the bundle's. */
function pathsOfSources(appRoot: string, toTree: string): Plugin {
  return {
    name: "paths-of-sources",
    setup(bundle) {
      bundle.onLoad({ filter: /\.ts$/, namespace: "file" }, async ({ path }) => {
        const source = await readFile(path, "utf8");
        if (!source.includes("import.meta.")) return undefined;
        const own = `${toTree}/${relative(appRoot, path)}`;
        const urlOf = (place: string) => `new URL(${JSON.stringify(place)}, import.meta.url)`;
        const toPath = 'process.getBuiltinModule("node:url").fileURLToPath';
        const contents = source
          .replaceAll("createRequire(import.meta.url)(", "require(") // a package, to be bundled
          .replaceAll("import.meta.url", `${urlOf(own)}.href`)
          .replaceAll("import.meta.dirname", `${toPath}(${urlOf(dirname(own))})`);
        return { contents, loader: "ts" };
      });
    },
  };
}

/**
 * Node's own modules, as `require` gives them. Of what is imported Node reads every export at once: of
 * node:http that is a WebSocket, for which it loads undici, TLS and HTTP/2, some 13 MB.
 */
const builtinsAsRequired: Plugin = {
  name: "builtins-as-required",
  setup(bundle) {
    const namespace = "builtin";
    bundle.onResolve({ filter: /^[a-z]/ }, ({ path, kind }) => {
      if (kind !== "import-statement" || !isBuiltin(path)) return undefined;
      return { path: path.replace(/^node:/, ""), namespace };
    });
    bundle.onLoad({ filter: /.*/, namespace }, ({ path }) => ({ contents: moduleOf(path) }));
  },
};

/** Of Node's own modules those that take long to load, and that not every start needs. */
const loadedOnUse: readonly string[] = ["http2", "https", "tls"];

function moduleOf(builtin: string): string {
  const load = `process.getBuiltinModule("node:${builtin}")`;
  if (!loadedOnUse.includes(builtin)) return `module.exports = ${load};`;
  const names = Object.keys(process.getBuiltinModule(builtin) as object);
  const getters = names.map((name) => `get ${name}() { return (loaded ??= ${load}).${name}; }`);
  return `let loaded;\nmodule.exports = { ${getters.join(",\n")} };`;
}

/**
 * Packages that few starts need, each a file of its own: what asks for one by `require` loads it then. To
 * read 256 kB of CEL takes half as long as to start Node.
 */
const apart = ["@bufbuild/cel", "re2js"];

const fileOf = (name: string) => `apart-${basename(name)}`;

const packagesApart: Plugin = {
  name: "packages-apart",
  setup(bundle) {
    bundle.onResolve({ filter: exactly(apart) }, ({ path, kind }) =>
      kind === "require-call" ? { path: `./${fileOf(path)}.js`, external: true } : undefined,
    );
  },
};

const ofHelp = "of-help";

/**
 * Packages whose only export is a function that others import, and call for a help text. They are run by
 * the first call: to make an expression of all emoji takes twice as long as to start Node.
 */
const packagesOfHelp: Plugin = {
  name: "packages-of-help",
  setup(bundle) {
    const filter = exactly(["string-width", "wrap-ansi"]);
    const appRoot = bundle.initialOptions.absWorkingDir!;
    bundle.onResolve({ filter }, async ({ path, kind, resolveDir, pluginData }) => {
      if (kind !== "import-statement" || pluginData === ofHelp) return undefined;
      const found = await bundle.resolve(path, { kind, resolveDir, pluginData: ofHelp });
      return { path: relative(appRoot, found.path), namespace: ofHelp, errors: found.errors };
    });
    bundle.onLoad({ filter: /.*/, namespace: ofHelp }, ({ path }) => ({
      contents: `export default (...given) => require("./${path}").default(...given);`,
      resolveDir: appRoot,
    }));
  },
};

const exactly = (names: readonly string[]) => new RegExp(`^(${names.join("|")})$`);

/** The field `imports` of a workspace: its worker threads. */
function importsOf(appRoot: string, workspace: string): Readonly<Record<string, string>> {
  const text = readFileSync(join(appRoot, workspace, "package.json"), "utf8");
  return (JSON.parse(text) as { imports: Record<string, string> }).imports;
}

function copyIfThere(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  try {
    cpSync(from, to, { recursive: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error; // built later
  }
}
