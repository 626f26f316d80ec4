-- The index: a cache of what lies in the store's folders, and of what was computed from the project's files.
-- Everything here can be made again from the folders.

CREATE TABLE IF NOT EXISTS layers (
  n       INTEGER PRIMARY KEY,          -- the folder layers/<n>
  key     TEXT NOT NULL,                -- digest of all inputs; several rows may share one and differ in `ids`
  ids     TEXT NOT NULL,                -- the ids that the layer gave to new names: canonical JSON {uids, gids}
  name    TEXT NOT NULL,                -- the scriptlet, or base, or the package that settled
  kind    TEXT NOT NULL,                -- base, scriptlet, settle
  digest  TEXT NOT NULL,                -- of its manifest and record patches
  paths   INTEGER NOT NULL,
  bytes   INTEGER NOT NULL,
  seconds REAL NOT NULL,                -- what making it took
  made    INTEGER NOT NULL,             -- unix seconds; shown, never compared
  boot    TEXT                          -- the boot it was made in while it may not be on the disk yet, else NULL
) STRICT;
CREATE INDEX IF NOT EXISTS layers_by_key ON layers (key);
CREATE INDEX IF NOT EXISTS layers_by_name ON layers (name, n);

-- By what name the layers go that may hold something at a path. Rows that no layer needs any more do no harm. By name, not by number: one
-- more layer of a scriptlet adds what no earlier one had, however many there are.
CREATE TABLE IF NOT EXISTS holders (
  path TEXT NOT NULL,                   -- each byte a character
  name TEXT NOT NULL,                   -- of layers
  PRIMARY KEY (path, name)
) STRICT, WITHOUT ROWID;

-- Results of pure functions: evaluated declarations, passed checks.
CREATE TABLE IF NOT EXISTS results (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What lies in builds/<conf>/<number>.json, for a quick look.
CREATE TABLE IF NOT EXISTS builds (
  conf    TEXT NOT NULL,
  number  INTEGER NOT NULL,
  made    INTEGER NOT NULL,
  seconds REAL NOT NULL,
  digest  TEXT NOT NULL,                -- equal digests are equal images
  paths   INTEGER NOT NULL,
  bytes   INTEGER NOT NULL,
  layers  TEXT NOT NULL,                -- JSON: [[name, n], ...] in the order of the view
  PRIMARY KEY (conf, number)
) STRICT, WITHOUT ROWID;

-- When a layer had a part in a build last: unix seconds, to be shown and for `--keep-younger-than`; and what the worthiest layer was worth
-- that had gone by then (src/store/gc.ts). Layer 0 stands for now.
CREATE TABLE IF NOT EXISTS used (
  layer INTEGER PRIMARY KEY,
  at    INTEGER NOT NULL,
  floor REAL NOT NULL
) STRICT;

-- The highest number that a layer ever had, once that layer has gone: no number is given twice.
CREATE TABLE IF NOT EXISTS given (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  n   INTEGER NOT NULL
) STRICT;

-- Damaged layers that were taken away: one that comes out the same gets its number back, so that builds hold it again.
CREATE TABLE IF NOT EXISTS retired (
  n      INTEGER PRIMARY KEY,
  key    TEXT NOT NULL,
  ids    TEXT NOT NULL,
  digest TEXT NOT NULL
) STRICT;
