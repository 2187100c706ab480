/** What the API is told of the program that it belongs to. Types alone. */
export interface Program {
  /** Where the database is. */
  dataFolder: string;
  /** Ends the program, for its supervisor to start it again; undefined where nobody would. */
  restart: (() => void) | undefined;
}
