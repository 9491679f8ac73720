import type { KubeConnection } from "./connection.ts";
import type { KubeObject } from "./resource.ts";

/** One answer to a list. Items carry no kind of their own. */
export type Page = {
  readonly metadata: {
    readonly resourceVersion: string;
    readonly continue?: string;
    /** About how many follow on later pages; absent with a selector, or when not known. */
    readonly remainingItemCount?: number;
  };
  /** Of metadata alone, no items are null (Go's nil slice), not an empty list. */
  readonly items: readonly KubeObject[] | null;
};

export type ListRequest = {
  /** Of the collection. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly accept?: string;
  /** Objects a page. */
  readonly pageSize: number;
};

/**
 * A collection page by page, all of one version. KubeError 410 when the server forgets that version
 * meanwhile: what was read is then no whole list.
 */
export async function* listPages(
  connection: KubeConnection,
  { path, query, accept, pageSize }: ListRequest,
  signal: AbortSignal,
): AsyncGenerator<Page, void> {
  let token: string | undefined;
  do {
    const page: Page = await connection.request<Page>(
      {
        path,
        query: { ...query, limit: pageSize, continue: token },
        ...(accept === undefined ? {} : { accept }),
      },
      signal,
    );
    yield page;
    token = page.metadata.continue;
  } while (token !== undefined && token !== "");
}
