import {
  type Clock,
  collectionPath,
  getObject,
  type KubeConnection,
  type KubeObject,
  listPages,
  Reflector,
  runTogether,
} from "@guardbee/kube";
import { resourceOf } from "@guardbee/policy/sets";
import type { Logger } from "pino";

import type { NamedSet } from "../engine.ts";
import type { StateDir } from "../state/state-dir.ts";
import { type NodeSet, parseNodeSet } from "./node-set.ts";
import { DesiredFile, type Remembered } from "./persisted.ts";
import { Saver } from "./saver.ts";
import { type SeenRevision, type SetContent, SetContents } from "./set-contents.ts";
import { HeldVersions } from "./versions.ts";

export type WantedSetsOptions = {
  readonly connection: KubeConnection;
  readonly nodeName: string;
  readonly remembered: Remembered;
  readonly state: StateDir;
  readonly onChange: () => void;
  readonly clock: Clock;
  readonly log: Logger;
};

/** A change comes in steps - listed, fetched, held - that are one write. */
const SAVE_DELAY_MS = 250;

/**
 * The sets this node is to hold: its NodePolicySet's list, and their contents.
 *
 * The list alone decides. While the API server cannot be reached, while the NodePolicySet is absent
 * (no operator yet, or one being reinstalled) and while a listed SelectorSet is absent, what was
 * wanted stays wanted; only a list without a set ends it. A node that never saw a list, and finds
 * no object, is to hold nothing.
 */
export class WantedSets {
  readonly #nodeName: string;
  readonly #nodeSets: Reflector<NodeSet>;
  readonly #revisions: Reflector<SeenRevision>;
  readonly #contents: SetContents;
  /** For when the kernel refuses a newer content. */
  readonly versions: HeldVersions;
  readonly #saver: Saver;
  readonly #onChange: () => void;
  /** Sorted. Written by the constructor, `#follow` and `#waitForLists`. */
  #names: readonly string[] | undefined;
  /** As the last NodePolicySet said, also once it is gone. Written by `#follow`. */
  #removal = false;
  /** The first list of SelectorSets is complete. Written by `#waitForLists`. */
  #revisionsKnown = false;

  constructor(options: WantedSetsOptions) {
    const { connection, nodeName, remembered, state, clock } = options;
    const log = options.log.child({ component: "sets" });
    this.#nodeName = nodeName;
    this.#onChange = options.onChange;
    this.#names = remembered.wanted && [...remembered.wanted].sort();
    this.#nodeSets = new Reflector({
      connection,
      resource: resourceOf("NodePolicySet"),
      fieldSelector: `metadata.name=${nodeName}`,
      project: parseNodeSet,
      onChange: () => this.#follow(),
      clock,
      log,
    });
    this.#revisions = new Reflector({
      connection,
      resource: resourceOf("SelectorSet"),
      metadataOnly: true,
      project: seenRevision,
      onChange: () => this.#contents.poke(),
      clock,
      log,
    });
    this.#contents = new SetContents({
      wanted: () => this.#wantedRevisions(),
      fetch: (object, signal) => getObject(connection, resourceOf("SelectorSet"), object, signal),
      list: (signal) => listSets(connection, signal),
      count: () => this.#revisions.keys().length,
      contents: remembered.contents,
      nodeName,
      onChange: () => this.#changed(),
      clock,
      log,
    });
    this.versions = new HeldVersions({
      names: () => this.#names ?? [],
      content: (name) => this.content(name),
      held: remembered.held,
      displaced: remembered.displaced,
      onChange: () => this.#saver.poke(),
    });
    const desired = new DesiredFile(state);
    this.#saver = new Saver({
      subject: "desired sets",
      save: () =>
        desired.save(this.#names ?? [], {
          content: (name) => this.content(name),
          held: (name) => this.versions.held(name),
          displaced: (name) => this.versions.displaced(name),
        }),
      delayMs: SAVE_DELAY_MS,
      clock,
      log,
    });
  }

  /** The NodePolicySet as it is now; undefined while it is absent or was never read. */
  nodeSet(): NodeSet | undefined {
    return this.#nodeSets.get(this.#nodeName);
  }

  /** Whether this node's list is empty because Guardbee is to leave it. */
  removal(): boolean {
    return this.#removal;
  }

  content(name: string): SetContent | undefined {
    return this.#contents.get(name);
  }

  /** Sets that are to hold and can, by name; undefined while it is not known which are to. */
  sets(): readonly NamedSet[] | undefined {
    return this.#names?.flatMap((name) => this.versions.sets(name));
  }

  /** Whether each set that is to hold is here, or is known to be absent. */
  complete(): boolean {
    const names = this.#names;
    if (names === undefined) return false;
    const absent = (name: string) =>
      this.#revisionsKnown && this.#revisions.get(name) === undefined;
    return names.every((name) => this.content(name) !== undefined || absent(name));
  }

  /** Whether nothing is being fetched that will change `sets` by itself. */
  settled(): boolean {
    return this.#contents.settled();
  }

  async run(signal: AbortSignal): Promise<void> {
    this.#waitForLists();
    await runTogether(
      [this.#nodeSets, this.#revisions, this.#contents, this.#saver].map(
        (part) => (each) => part.run(each),
      ),
      signal,
    );
  }

  #follow(): void {
    const nodeSet = this.nodeSet();
    if (nodeSet !== undefined) {
      this.#names = nodeSet.sets;
      this.#removal = nodeSet.removal && nodeSet.sets.length === 0;
      this.#contents.keep(new Set(nodeSet.sets));
      this.#contents.poke();
    }
    this.#changed();
  }

  #wantedRevisions(): ReadonlyMap<string, SeenRevision> {
    const wanted = new Map<string, SeenRevision>();
    for (const name of this.#names ?? []) {
      const revision = this.#revisions.get(name);
      if (revision !== undefined) wanted.set(name, revision);
    }
    return wanted;
  }

  /** Does not outlive `run` in effect: `synced` stays pending once a reflector has ended. */
  #waitForLists(): void {
    this.#nodeSets.synced.then(() => {
      this.#names ??= []; // no object, and none ever seen
      this.#changed();
    });
    this.#revisions.synced.then(() => {
      this.#revisionsKnown = true;
      this.#changed();
    });
  }

  #changed(): void {
    this.versions.follow();
    if (this.#names !== undefined) this.#saver.poke();
    this.#onChange();
  }
}

/** Few a page: one may be as large as etcd takes. */
const PAGE_SIZE = 100;

async function* listSets(
  connection: KubeConnection,
  signal: AbortSignal,
): AsyncGenerator<readonly KubeObject[], void> {
  const request = { path: collectionPath(resourceOf("SelectorSet")), pageSize: PAGE_SIZE };
  for await (const { items } of listPages(connection, request, signal)) yield items ?? [];
}

function seenRevision({ metadata }: KubeObject): SeenRevision {
  const { uid = "", generation = 0, resourceVersion = "" } = metadata;
  return { uid, generation, resourceVersion };
}
