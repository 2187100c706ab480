/**
 * The tables, as the steps that lead to them: step n brings a database from user_version n to n + 1. A step that was
 * released is never changed; a new one is added at the end.
 *
 * An IPv4 address is stored as a number from 0 to 2**32 - 1, a time as ms of Unix time, a document as JSON in which
 * each secret is sealed (secret-box.ts).
 */

const DOCUMENTS_ADDRESSES_CALLS = `
CREATE TABLE key_check (only INTEGER PRIMARY KEY CHECK (only = 1), sealed TEXT NOT NULL) STRICT;

CREATE TABLE settings (only INTEGER PRIMARY KEY CHECK (only = 1), document TEXT NOT NULL) STRICT;

CREATE TABLE pool (name TEXT PRIMARY KEY, document TEXT NOT NULL) STRICT, WITHOUT ROWID;

-- fixed_address and pool repeat what the document says, for the sake of their indices.
CREATE TABLE user (name TEXT PRIMARY KEY, document TEXT NOT NULL, fixed_address INTEGER, pool TEXT) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX user_fixed_address ON user (fixed_address) WHERE fixed_address IS NOT NULL;
CREATE INDEX user_pool ON user (pool) WHERE pool IS NOT NULL;

-- One row for each address that can be leased, and for each that is.
-- pool:     NULL when it belongs to none (any more): such a row goes away with its lease.
-- owner:    the user whose fixed address it is.
-- user:     who has it, or had it last.
-- released: the order in which addresses became free; 0 = never used.
-- call:     the living call that has it; NULL = free.
CREATE TABLE address (
  address INTEGER PRIMARY KEY, pool TEXT, owner TEXT, user TEXT, released INTEGER NOT NULL DEFAULT 0, call INTEGER
) STRICT;
CREATE UNIQUE INDEX address_call ON address (call) WHERE call IS NOT NULL;
CREATE INDEX address_used ON address (user, pool) WHERE call IS NOT NULL;
CREATE INDEX address_free ON address (pool, released, address) WHERE call IS NULL AND owner IS NULL;
CREATE INDEX address_last ON address (user, pool, released) WHERE call IS NULL AND owner IS NULL AND user IS NOT NULL;
CREATE INDEX address_owner ON address (owner) WHERE owner IS NOT NULL;

-- call is the number of a living call and says nothing once ended_at is there.
CREATE TABLE call (
  id INTEGER PRIMARY KEY AUTOINCREMENT, call INTEGER NOT NULL, role TEXT NOT NULL, user TEXT NOT NULL,
  address TEXT NOT NULL, peer_address TEXT NOT NULL, calling_number TEXT NOT NULL, session_id INTEGER NOT NULL,
  tunnel_id INTEGER NOT NULL, started_at INTEGER NOT NULL, ended_at INTEGER, cause TEXT,
  received_packets INTEGER, received_octets INTEGER, sent_packets INTEGER, sent_octets INTEGER
) STRICT;
CREATE UNIQUE INDEX call_living ON call (call) WHERE ended_at IS NULL;

CREATE TABLE audit (
  id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, who TEXT NOT NULL, action TEXT NOT NULL,
  resource TEXT NOT NULL, fields TEXT NOT NULL
) STRICT;
`;

const BOOTS_ACCOUNTING = `
-- number: how often the store has been opened. syncs: a commit of it brings all commits before it to the disk.
CREATE TABLE boot (
  only INTEGER PRIMARY KEY CHECK (only = 1), number INTEGER NOT NULL, syncs INTEGER NOT NULL
) STRICT;
INSERT INTO boot VALUES (1, 0, 0);

-- Accounting that is to be delivered, in the order in which it happened.
-- subject:    its Acct-Session-Id; what happened to one subject is delivered one after the other.
-- worth:      when there is too much, the least goes first.
-- at, boot, uptime: when it happened: Unix time, and which boot's monotonic clock said what.
-- attributes: as on the wire.
-- tries:      how often it got no answer.
CREATE TABLE accounting_record (
  id INTEGER PRIMARY KEY AUTOINCREMENT, subject TEXT NOT NULL, worth INTEGER NOT NULL, at INTEGER NOT NULL,
  boot INTEGER NOT NULL, uptime INTEGER NOT NULL, attributes BLOB NOT NULL, tries INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX accounting_record_subject ON accounting_record (subject, id);
CREATE INDEX accounting_record_worth ON accounting_record (worth, id);
CREATE INDEX accounting_record_tried ON accounting_record (id) WHERE tries > 0;

-- What has a Start and no Stop yet; attributes are those of the Stop. Its counters, which are written often, are apart.
CREATE TABLE accounting_open (id INTEGER PRIMARY KEY, subject TEXT NOT NULL, attributes BLOB NOT NULL) STRICT;
CREATE TABLE accounting_count (
  id INTEGER PRIMARY KEY, at INTEGER NOT NULL, duration_s INTEGER NOT NULL, received_packets INTEGER NOT NULL,
  received_octets INTEGER NOT NULL, sent_packets INTEGER NOT NULL, sent_octets INTEGER NOT NULL
) STRICT;
`;

const INDICES_OF_WHAT_GOES = `
-- Addresses of no pool go away with their call, ended calls with their age: found without a look at all others.
CREATE INDEX address_of_no_pool ON address (call) WHERE pool IS NULL;
CREATE INDEX call_ended ON call (id) WHERE ended_at IS NOT NULL;
`;

const ADMINISTRATION = `
-- Who administers the box. password: scrypt, with its parameters and salt.
CREATE TABLE account (
  name TEXT PRIMARY KEY, role TEXT NOT NULL CHECK (role IN ('admin', 'viewer')), password TEXT NOT NULL,
  changed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
-- Browsers that are signed in. token: SHA-256 of what the browser has.
CREATE TABLE sign_in (
  token BLOB PRIMARY KEY, account TEXT NOT NULL, address TEXT NOT NULL, created_at INTEGER NOT NULL,
  used_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
-- Tokens of scripts. token: SHA-256 of what the script has. used_at: NULL = never.
CREATE TABLE api_token (
  name TEXT PRIMARY KEY, role TEXT NOT NULL CHECK (role IN ('admin', 'viewer')), token BLOB NOT NULL UNIQUE,
  created_at INTEGER NOT NULL, used_at INTEGER
) STRICT, WITHOUT ROWID;

-- What the web server shows to browsers, both PEM; the key is sealed.
CREATE TABLE certificate (
  only INTEGER PRIMARY KEY CHECK (only = 1), chain TEXT NOT NULL, sealed_key TEXT NOT NULL
) STRICT;

-- The settings as they were before a change that waits for its confirmation, until when it waits, and how long in all.
CREATE TABLE unconfirmed (
  only INTEGER PRIMARY KEY CHECK (only = 1), document TEXT NOT NULL, until INTEGER NOT NULL, wait INTEGER NOT NULL,
  who TEXT NOT NULL
) STRICT;

-- Calls that failed, with what was traced of them: compressed JSON.
CREATE TABLE failed_call (
  id INTEGER PRIMARY KEY AUTOINCREMENT, trace TEXT NOT NULL UNIQUE, summary TEXT NOT NULL, records BLOB NOT NULL
) STRICT;
`;

export const MIGRATIONS: readonly string[] = [
  DOCUMENTS_ADDRESSES_CALLS,
  BOOTS_ACCOUNTING,
  INDICES_OF_WHAT_GOES,
  ADMINISTRATION,
];
