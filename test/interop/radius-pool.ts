/**
 * A pool of addresses that FreeRADIUS itself keeps, in SQLite: the modules for its configuration. The queries are ours:
 * those that FreeRADIUS 3.2.1 ships for SQLite want an AND.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface RadiusPool {
  addresses: readonly string[];
  /** What an Access-Request, a Start and an Interim-Update give a call. */
  lease_s: number;
}

const NAME = 'office';
/** Who waits for the database's lock. */
const BUSY_TIMEOUT_MS = 5_000;

/** An address belongs to a port of a NAS. */
const HOLDER = `nasipaddress = '%{NAS-IP-Address}' AND pool_key = '%{NAS-Port}'`;
const OF_NAS = `nasipaddress = '%{NAS-IP-Address}'`;

/** Of the section post-auth: takes an address for the reply, and refuses whom it has none for. */
export const TAKE_ADDRESS = `
    update control {
      Pool-Name := "${NAME}"
    }
    sqlippool {
      notfound = reject
    }`;
/** Of the section accounting. */
export const KEEP_ADDRESS = `
    sqlippool`;

/** The modules sql and sqlippool; their database is made in the folder when the server starts. */
export function poolModules(folder: string, { addresses, lease_s }: RadiusPool): string {
  const schema = join(folder, 'pool.sql');
  writeFileSync(
    schema,
    `CREATE TABLE radippool (
  pool_name TEXT NOT NULL,
  framedipaddress TEXT NOT NULL UNIQUE,
  nasipaddress TEXT NOT NULL DEFAULT '',
  pool_key TEXT NOT NULL DEFAULT '',
  expiry_time INTEGER NOT NULL DEFAULT 0
);
${addresses.map((address) => `INSERT INTO radippool (pool_name, framedipaddress) VALUES ('${NAME}', '${address}');`).join('\n')}
`,
  );
  // A percent sign is FreeRADIUS's own, %l its clock in seconds.
  const lease = `UPDATE radippool SET expiry_time = %l + ${lease_s}`;
  const release = 'UPDATE radippool SET expiry_time = 0';
  const ofCall = `${HOLDER} AND framedipaddress = '%{Framed-IP-Address}'`;
  return `
  sql {
    dialect = "sqlite"
    driver = "rlm_sql_sqlite"
    sqlite {
      filename = "${join(folder, 'pool.db')}"
      busy_timeout = ${BUSY_TIMEOUT_MS}
      bootstrap = "${schema}"
    }
    pool {
      start = 1
      min = 1
      max = 4
      spare = 1
      uses = 0
      lifetime = 0
      idle_timeout = 0
    }
  }
  sqlippool {
    sql_module_instance = "sql"
    dialect = "sqlite"
    pool_name = "Pool-Name"
    ippool_table = "radippool"
    lease_duration = ${lease_s}
    pool_key = "%{NAS-Port}"
    allocate_begin = "BEGIN EXCLUSIVE"
    allocate_existing = "SELECT framedipaddress FROM radippool WHERE pool_name = '%{control:Pool-Name}' AND ${HOLDER}"
    allocate_find = "SELECT framedipaddress FROM radippool WHERE pool_name = '%{control:Pool-Name}' AND expiry_time <= %l ORDER BY expiry_time LIMIT 1"
    pool_check = "SELECT 1 FROM radippool WHERE pool_name = '%{control:Pool-Name}' LIMIT 1"
    allocate_update = "${lease}, nasipaddress = '%{NAS-IP-Address}', pool_key = '%{NAS-Port}' WHERE framedipaddress = '%I'"
    allocate_commit = "COMMIT"
    start_update = "${lease} WHERE ${ofCall}"
    alive_update = "${lease} WHERE ${ofCall}"
    stop_clear = "${release} WHERE ${ofCall}"
    on_clear = "${release} WHERE ${OF_NAS}"
    off_clear = "${release} WHERE ${OF_NAS}"
  }`;
}
