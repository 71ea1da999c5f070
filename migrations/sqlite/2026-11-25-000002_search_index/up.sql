-- Search parameters, interned; p in the index tables is 8 * id + facet.
CREATE TABLE parameter (
    id BIGINT NOT NULL PRIMARY KEY,
    base TEXT NOT NULL,
    code TEXT NOT NULL,
    UNIQUE (base, code)
);

-- In every index table the primary key answers a search (value first, rid last); the second index answers a probe of one
-- resource (EXISTS, :missing) and the deletes of an update.
CREATE TABLE ix_token (
    p BIGINT NOT NULL,
    code BIGINT NOT NULL,
    system BIGINT NOT NULL,
    rid BIGINT NOT NULL,
    PRIMARY KEY (p, code, system, rid)
) WITHOUT ROWID;
CREATE INDEX ix_token_rid ON ix_token (rid, p, code, system);

CREATE TABLE ix_string (
    p BIGINT NOT NULL,
    folded TEXT NOT NULL,
    exact TEXT NOT NULL,
    rid BIGINT NOT NULL
);
CREATE INDEX ix_string_value ON ix_string (p, folded, rid);
CREATE INDEX ix_string_rid ON ix_string (rid, p);

CREATE TABLE ix_date (
    p BIGINT NOT NULL,
    lo BIGINT NOT NULL,
    hi BIGINT NOT NULL,
    rid BIGINT NOT NULL,
    PRIMARY KEY (p, lo, hi, rid)
) WITHOUT ROWID;
CREATE INDEX ix_date_rid ON ix_date (rid, p, lo, hi);

CREATE TABLE ix_reference (
    p BIGINT NOT NULL,
    target BIGINT NOT NULL,
    version TEXT NOT NULL,
    rid BIGINT NOT NULL,
    PRIMARY KEY (p, target, version, rid)
) WITHOUT ROWID;
-- _revinclude by any parameter, _has.
CREATE INDEX ix_reference_target ON ix_reference (target, p, rid);
CREATE INDEX ix_reference_rid ON ix_reference (rid, p, target);

CREATE TABLE ix_uri (
    p BIGINT NOT NULL,
    value TEXT NOT NULL,
    version TEXT NOT NULL,
    rid BIGINT NOT NULL,
    PRIMARY KEY (p, value, version, rid)
) WITHOUT ROWID;
CREATE INDEX ix_uri_rid ON ix_uri (rid, p);
