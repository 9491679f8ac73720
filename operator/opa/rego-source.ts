export type RegoSource = {
  /** As its author knows it, for errors; where it leads out of a folder, the text does not lie there. */
  readonly path: string;
  readonly text: string;
};
