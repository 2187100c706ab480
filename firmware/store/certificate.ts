/**
 * The certificate that the web server shows, with its key sealed, written over the connection that survives a power cut.
 * Must not know what makes a good certificate.
 */
import type Database from 'better-sqlite3';
import type { Audit } from './audit.js';
import type { SecretBox } from './secret-box.js';

/** Both PEM; `chain` begins with the certificate that belongs to the key. */
export interface StoredCertificate {
  chain: string;
  key: string;
}

const KEY_PLACE = 'certificate /key';

export class Certificates {
  readonly #database: Database.Database;
  readonly #box: SecretBox;
  readonly #audit: Audit;
  readonly #clock: () => number;
  readonly #read: Database.Statement<[], { chain: string; sealed_key: string }>;
  readonly #write: Database.Statement<[string, string]>;

  /** `clock` gives Unix time in ms. */
  constructor(database: Database.Database, box: SecretBox, audit: Audit, clock: () => number) {
    this.#database = database;
    this.#box = box;
    this.#audit = audit;
    this.#clock = clock;
    this.#read = database.prepare<[], { chain: string; sealed_key: string }>(
      'SELECT chain, sealed_key FROM certificate',
    );
    this.#write = database.prepare(
      `INSERT INTO certificate (only, chain, sealed_key) VALUES (1, ?, ?) ON CONFLICT DO UPDATE
       SET chain = excluded.chain, sealed_key = excluded.sealed_key`,
    );
  }

  /** Undefined: there is none yet. Throws StoreError when the key file does not open the key. */
  read(): StoredCertificate | undefined {
    const row = this.#read.get();
    return row && { chain: row.chain, key: this.#box.open(row.sealed_key, KEY_PLACE) };
  }

  /** `action` is for the audit: 'delete' where the box's own takes the place of another. */
  write({ chain, key }: StoredCertificate, who: string, action: 'put' | 'delete'): void {
    this.#database
      .transaction(() => {
        this.#write.run(chain, this.#box.seal(key, KEY_PLACE));
        this.#audit.note(this.#clock(), { who, action, resource: 'certificate', fields: [''] });
      })
      .immediate();
  }
}
